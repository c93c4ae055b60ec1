//! Logs: for people on a terminal, JSON elsewhere. They go to standard error, so that answers can be piped.

use crate::config::{Log, LogFormat};
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt, registry};

/// Begins to log. `directives` is `RUST_LOG`'s value, which goes before the config's level. A second call does nothing:
/// the first subscriber of a process stays.
pub fn start(log: &Log, directives: Option<&str>) {
    let filter = filter(log, directives);
    // It would say so on standard error, and panic where that is closed.
    let lines = fmt::layer::<Registry>().log_internal_errors(false).with_writer(Deaf);
    let terminal = io::stderr().is_terminal();
    let human = match log.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    let lines = if human {
        lines.with_ansi(terminal).with_target(false).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).boxed()
    };
    if registry().with(lines.with_filter(filter)).try_init().is_err() {
        tracing::debug!("logging had begun already");
    }
}

/// Levels by target. Not `EnvFilter`: its regular expressions over fields would be a twentieth of the build.
fn filter(log: &Log, directives: Option<&str>) -> Targets {
    let given = directives.filter(|text| !text.trim().is_empty());
    let level = || log.level.parse().expect("the config allows levels only");
    given.and_then(|text| text.parse().ok()).unwrap_or_else(level)
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
