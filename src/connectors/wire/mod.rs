//! One HTTP request of a tool, sent safely: only to where the tool may be, never told as not sent when it may have left, and
//! with no secret in whatever comes back.
//!
//! A request goes `Transport::send` → its slots are filled (`request`) → the guard looks at where it goes (`egress`) → the
//! name is asked for once and each address looked at (`address`) → the very addresses that were looked at are called
//! (`dial`) → the request is sent and its answer read (`exchange`) → the answer without secrets (`redact`).

mod address;
mod answer;
mod auth;
mod connection;
mod dial;
mod egress;
mod exchange;
mod pace;
mod redact;
mod request;
mod transport;

pub use answer::{Content, Incoming, NotAnswered, Unread};
pub use connection::{Auth, ClientAuth, Connection, Login, OAuth2, Terms};
pub use dial::{Found, Resolver, SystemResolver};
pub use egress::{BadPattern, HostPattern, Refused};
pub use pace::Rate;
pub use redact::{MARK, Redactor, SHORTEST};
pub use request::{Outgoing, Piece, Spelling, Text};
pub use transport::{Outside, Transport};

#[cfg(test)]
mod tests;
