//! Asking the running process.

use super::{LONGEST, Request, Response, path_of};
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// The writer answers at once, or the disk is in trouble.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why nobody answered.
#[derive(Debug)]
pub enum Unreachable {
    /// No process listens there.
    Nobody,
    /// This account may not.
    Forbidden,
    /// Something went wrong on the way; whether it was done is not known.
    Broken(io::Error),
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("no Vigie runs there"),
            Self::Forbidden => f.write_str(
                "only the account that Vigie runs as, and root, may ask it: try again with sudo",
            ),
            Self::Broken(error) => {
                write!(
                    f,
                    "it did not answer ({error}): look whether it was done before you try again"
                )
            }
        }
    }
}

impl std::error::Error for Unreachable {}

/// Asks the process that runs on this database.
pub async fn ask(database: &Path, request: &Request) -> Result<Response, Unreachable> {
    let stream =
        UnixStream::connect(path_of(database)).await.map_err(|error| match error.kind() {
            // A path that is too long for a socket (InvalidInput): nobody can have bound one there.
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::InvalidInput => Unreachable::Nobody,
            io::ErrorKind::PermissionDenied => Unreachable::Forbidden,
            _ => Unreachable::Broken(error),
        })?;
    let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut));
    let answered = tokio::time::timeout(PATIENCE, converse(stream, request)).await;
    answered.unwrap_or_else(late).map_err(Unreachable::Broken)
}

/// Whether a process listens there.
pub async fn is_heard(database: &Path) -> bool {
    UnixStream::connect(path_of(database)).await.is_ok()
}

async fn converse(mut stream: UnixStream, request: &Request) -> io::Result<Response> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    if line.len() as u64 > LONGEST {
        let why = format!("more than {LONGEST} bytes: send fewer alerts at a time");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    Ok(serde_json::from_slice(&answer)?)
}
