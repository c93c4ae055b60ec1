//! Every integration test, in one binary: each further one would be another link.

mod architecture;
mod config;
mod manifest;
