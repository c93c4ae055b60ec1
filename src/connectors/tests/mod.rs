//! The shipped connectors, the mistakes of a file, and calls over real sockets: of files made for it, and of the shipped ones.

mod calls;
mod mistakes;
mod server;
mod shipped;
mod standins;
