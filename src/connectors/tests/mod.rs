//! The shipped connectors, and calls over real sockets: of files made for it, and of the shipped ones.

mod calls;
mod server;
mod shipped;
mod standins;
