//! One integration binary: each more would be another link.

mod journal;
