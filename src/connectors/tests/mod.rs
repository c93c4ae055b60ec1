//! The shipped connectors, the mistakes of a file, and calls over real sockets.

mod calls;
mod mistakes;
mod server;
mod shipped;
