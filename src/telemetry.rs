//! Logs: for people on a terminal, JSON elsewhere. They go to standard error, so that answers can be piped.

use crate::config::{Log, LogFormat};
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Begins to log. `directives` is `RUST_LOG`'s value, which goes before the config's level. A second call does nothing:
/// the first subscriber of a process stays.
pub fn start(log: &Log, directives: Option<&str>) {
    let filter = filter(log, directives);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would say so on standard error, and panic where that is closed.
        .log_internal_errors(false)
        .with_writer(Deaf);
    let terminal = io::stderr().is_terminal();
    let human = match log.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    let started = if human {
        builder.with_ansi(terminal).with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    };
    if started.is_err() {
        tracing::debug!("logging had begun already");
    }
}

fn filter(log: &Log, directives: Option<&str>) -> EnvFilter {
    let given = directives.filter(|text| !text.trim().is_empty());
    given
        .and_then(|text| EnvFilter::try_new(text).ok())
        .unwrap_or_else(|| EnvFilter::new(&log.level))
}

/// Standard error, but a reader that went away (a broken pipe) is no error: the bot works on unheard.
#[derive(Clone, Copy, Debug)]
struct Deaf;

impl Write for Deaf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

impl MakeWriter<'_> for Deaf {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_log_goes_before_the_level_and_nonsense_in_it_does_not_silence_us() {
        let log = Log { level: "warn".to_owned(), ..Log::default() };
        assert_eq!(filter(&log, Some("vigie=debug")).to_string(), "vigie=debug");
        for directives in [None, Some(""), Some("vigie=loud=very")] {
            assert_eq!(filter(&log, directives).to_string(), "warn", "{directives:?}");
        }
    }
}
