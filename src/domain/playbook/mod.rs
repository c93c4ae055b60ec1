//! What people write in their own files: so far the one expression language that routes, mappings and playbooks share.

pub mod expr;
