//! Printing that survives a reader who goes away: `vigie check | head` is no error and no panic.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Prints an answer on standard output. A closed pipe is the reader's choice, anything else an error.
pub fn answer(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Says on standard error what went wrong; where nobody listens, there is nobody to tell.
pub fn complain(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
