//! The tools that playbooks call: what their files say, and the requests that are made of it.

pub mod wire;
