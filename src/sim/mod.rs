//! A local Slack: state, Web API, Socket Mode and a page. It knows nothing of ours: it speaks only the wire protocol.
