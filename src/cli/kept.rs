//! `vigie source kept`: what came and was not understood, webhook bodies and frames from Slack, for a person to look at.

use super::{Exit, complain};
use crate::store::Reader;
use crate::store::refused::{self, KeptBody, Listed};
use anyhow::bail;
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Kept {
    /// Print this one of Slack's frames; 1 is the newest, 2 the one before
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub slack: Option<u32>,
    /// The database; else the config's
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// The config; vigie.yaml is taken where it is there
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What `vigie source kept` says.
pub fn kept(args: &Kept, database: &Path) -> anyhow::Result<(Exit, String)> {
    let reader = Reader::of(database)?;
    let Some(nth) = args.slack else {
        return Ok((Exit::Good, told(&reader.read(refused::list)?)));
    };
    match reader.read(|connection| refused::kept(connection, refused::SLACK, nth))? {
        Some(found) => Ok((Exit::Good, shown(&found))),
        None => bail!(
            "there is no frame number {nth} of Slack's; `vigie source kept` lists what there is"
        ),
    }
}

fn told(all: &[Listed]) -> String {
    if all.is_empty() {
        return "nothing is kept: all that came was understood".to_owned();
    }
    let mut text = String::new();
    for Listed { source, nth, at, why, size } in all {
        let look = match source.as_str() {
            refused::SLACK => format!("vigie source kept --slack {nth}"),
            source => format!("vigie source test --kept {nth} --source {source}"),
        };
        let _ =
            writeln!(text, "{at}  {source:<14} {size:>7} bytes  {}  ({look})", why.escape_debug());
    }
    text.trim_end().to_owned()
}

/// The frame for a terminal: what would move the cursor is shown, not done. What is said of it goes to standard error.
fn shown(found: &KeptBody) -> String {
    complain(format!(
        "kept at {}: {}; its secrets were removed",
        found.at,
        found.why.escape_debug()
    ));
    if let Some(size) = found.cut_from {
        complain(format!("it had {size} bytes: the rest is lost"));
    }
    let mut text = String::new();
    for c in String::from_utf8_lossy(&found.body).chars() {
        if c.is_control() && c != '\n' && c != '\t' {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::store::Writer;

    #[test]
    fn what_was_not_understood_is_listed_and_a_frame_is_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vigie.db");
        let writer = Writer::open(&path).expect("a new database");
        let run = |slack| kept(&Kept { slack, db: None, config: None }, &path);
        let (_, none) = run(None).expect("runs");
        assert_eq!(none, "nothing is kept: all that came was understood");
        for (source, why, body) in [
            ("edr", "title: is missing", &b"{}"[..]),
            (refused::SLACK, "event:x", b"{\"type\":\"x\"}"),
            (refused::SLACK, "unparsable", b"half \x1b[2J\xff"),
        ] {
            let refused = refused::Refused { source, why, body };
            refused::keep(&writer.connection, Timestamp::from_millis(0), &refused).expect("kept");
        }
        let (_, all) = run(None).expect("runs");
        let lines: Vec<_> = all.lines().collect();
        assert_eq!(lines.len(), 3, "{all}");
        assert!(lines[0].contains("(vigie source test --kept 1 --source edr)"), "{all}");
        assert!(lines[1].contains("unparsable  (vigie source kept --slack 1)"), "{all}");
        assert_eq!(run(Some(2)).expect("runs").1, "{\"type\":\"x\"}");
        assert_eq!(run(Some(1)).expect("runs").1, "half \\u{1b}[2J\u{fffd}");
        assert!(run(Some(3)).is_err());
    }
}
