//! The simulator over its own wire, in paused time.
