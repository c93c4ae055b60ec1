//! `vigie source test FILE --source NAME`: what alert would this payload become, and where would it go? (`kept` has a file of
//! its own.)
//!
//! Nothing is stored and nobody is asked who they are, so that a mapping can be written against files on a laptop.

use super::kept::{self, Kept};
use super::{Env, Exit, answer, complain};
use crate::config::{Secrets, Settings};
use crate::domain::alert::{Normalised, routing};
use crate::domain::time::Timestamp;
use crate::intake::mapping::{Mapping, Mappings, Request, Unreadable};
use crate::intake::nearest;
use crate::store::{Reader, refused};
use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

/// `vigie source …`
#[derive(Debug, Args)]
pub struct Source {
    #[command(subcommand)]
    pub command: SourceCommand,
}

#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// What alert would this payload become, and where would it go? Nothing is sent or stored.
    #[command(after_help = "\
Example:
  vigie source test payload.json --source alertmanager
  vigie source test push.json --source github --header 'X-GitHub-Event: push' --format json

What a source sent and we refused with 422 is kept for a week; the newest of it:
  vigie source test --kept 1 --source edr --db vigie.db")]
    Test(Test),
    /// What came and was not understood: webhook bodies that were refused, and frames from Slack.
    #[command(after_help = "\
Kept are the newest of each for a week; of Slack's frames a few of a kind each hour, without their secrets.

Example:
  vigie source kept
  vigie source kept --slack 1")]
    Kept(Kept),
}

#[derive(Debug, Args)]
pub struct Test {
    /// The payload; `-` is the standard input
    #[arg(required_unless_present = "kept")]
    pub file: Option<PathBuf>,
    /// Instead of a file: a body of this source that was answered 422; 1 is the newest, 2 the one before
    #[arg(long, value_name = "N", conflicts_with = "file", value_parser = clap::value_parser!(u32).range(1..))]
    pub kept: Option<u32>,
    /// The database with the kept bodies; else the config's
    #[arg(long, value_name = "FILE", requires = "kept")]
    pub db: Option<PathBuf>,
    /// A configured source, or a mapping's own name
    #[arg(long, value_name = "NAME")]
    pub source: String,
    /// A header that the product would send, such as 'X-GitHub-Event: ping'; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The config, for its sources and routes; vigie.yaml is taken where it is there
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written 'Name: value'")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// What `test` knows beside its arguments.
pub struct Setting<'a, R> {
    pub mappings: &'a Mappings,
    /// The configured sources: name and mapping (`sources: {elastic: {type: elastic-security}}`).
    pub sources: &'a BTreeMap<String, String>,
    /// The route that would take an alert of that source; `None` where there is no config, or none takes it.
    pub route: R,
    /// Where refused bodies are kept: the one named, or the config's.
    pub database: Option<PathBuf>,
}

/// Does what was asked, with the config where there is one.
pub fn run(args: &Source, env: Env<'_>) -> anyhow::Result<Exit> {
    let (exit, text) = match &args.command {
        SourceCommand::Test(args) => try_out(args, env)?,
        SourceCommand::Kept(args) => {
            let configured = || anyhow::Ok(surroundings(args.config.as_deref(), env)?.1);
            let database = match &args.db {
                Some(database) => database.clone(),
                None => configured()?.context("it needs --db FILE or a config")?.store.path,
            };
            kept::kept(args, &database)?
        }
    };
    answer(text)?;
    Ok(exit)
}

/// `test` with the config where there is one.
fn try_out(args: &Test, env: Env<'_>) -> anyhow::Result<(Exit, String)> {
    match surroundings(args.config.as_deref(), env)? {
        (mappings, Some(settings)) => {
            let types = settings.sources.iter();
            let types = types.map(|(name, source)| (name.to_string(), source.mapping.clone()));
            let policy = settings.policy(Timestamp::from_millis(0), |_, _| None);
            let route = |source: &str, alert: &Normalised| {
                routing::route(&policy, source, alert).map(|route| route.name.to_string())
            };
            let database = Some(args.db.clone().unwrap_or_else(|| settings.store.path.clone()));
            let sources = types.collect();
            test(args, &Setting { mappings: &mappings, sources: &sources, route, database })
        }
        (mappings, None) => {
            let (route, database) = (|_: &str, _: &_| None, args.db.clone());
            let sources = BTreeMap::new();
            test(args, &Setting { mappings: &mappings, sources: &sources, route, database })
        }
    }
}

/// The mappings and the config's settings. A config that nobody named and that is broken is warned of and left out.
fn surroundings(
    named: Option<&Path>,
    env: Env<'_>,
) -> anyhow::Result<(Mappings, Option<Settings>)> {
    let read = |config: &Path| -> anyhow::Result<_> {
        let mappings = super::mappings_beside(Some(config))?;
        let settings = super::settings(config, &mappings, (env, Secrets::Leave))?;
        Ok((mappings, Some(settings)))
    };
    let usual = Path::new("vigie.yaml");
    match named {
        Some(config) => read(config),
        None if usual.exists() => read(usual).or_else(|why| {
            complain(format!("warning: tried without vigie.yaml and what stands beside it: {why}"));
            Ok((Mappings::shipped(), None))
        }),
        None => Ok((Mappings::shipped(), None)),
    }
}

/// What `vigie source test` says: 0 with the alerts, 1 where the payload is refused. An error is 2: it could not run.
pub fn test<R>(args: &Test, setting: &Setting<'_, R>) -> anyhow::Result<(Exit, String)>
where
    R: Fn(&str, &Normalised) -> Option<String>,
{
    let mapping = find(setting.mappings, setting.sources, &args.source)?;
    let body = payload(args, setting.database.as_deref())?;
    let headers = args.headers.iter().cloned().collect();
    let request = Request { source: &args.source, headers: &headers, body: &body };
    match mapping.read(&request) {
        Ok(reading) => {
            let alerts: Vec<_> = reading.alerts.into_iter().map(|mapped| mapped.alert).collect();
            let routes: Vec<_> =
                alerts.iter().map(|alert| (setting.route)(&args.source, alert)).collect();
            let text = match args.format {
                // One body is one source's: `route` is where its first alert goes, the text tells each one's.
                Format::Json => {
                    let route = routes.first().cloned().flatten();
                    format!("{:#}", json!({"alerts": alerts, "route": route}))
                }
                Format::Text => told(mapping, &alerts, &routes).trim_end().to_owned(),
            };
            Ok((Exit::Good, text))
        }
        Err(unreadable) => {
            let Unreadable { field, why } = &unreadable;
            let refused = json!({"field": field, "why": why});
            let text = match args.format {
                Format::Json => format!("{:#}", json!({"alerts": [], "refused": refused})),
                Format::Text => format!("refused: {field}: {why}"),
            };
            Ok((Exit::No, text))
        }
    }
}

fn find<'a>(
    mappings: &'a Mappings,
    sources: &BTreeMap<String, String>,
    name: &str,
) -> anyhow::Result<&'a Mapping> {
    let mapping = sources.get(name).map_or(name, String::as_str);
    if let Some(found) = mappings.get(mapping) {
        return Ok(found);
    }
    let known: Vec<_> = sources.keys().map(String::as_str).chain(mappings.names()).collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => bail!("no source or mapping is called {name:?}: did you mean {near:?}?"),
        None => bail!("no source or mapping is called {name:?}; there are {}", known.join(", ")),
    }
}

fn payload(args: &Test, database: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    let Some(file) = &args.file else {
        let database = database.context("--kept needs --db FILE or a config")?;
        return kept(database, &args.source, args.kept.unwrap_or(1));
    };
    if file.as_os_str() == "-" {
        let mut body = Vec::new();
        std::io::stdin().lock().read_to_end(&mut body).context("the standard input")?;
        return Ok(body);
    }
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// A body that was answered 422. What is said of it goes to standard error: the answer is about the body.
fn kept(database: &Path, source: &str, nth: u32) -> anyhow::Result<Vec<u8>> {
    let (found, counts) = Reader::of(database)?.read(|connection| {
        Ok((refused::kept(connection, source, nth)?, refused::counts(connection)?))
    })?;
    let Some(found) = found else {
        let all: Vec<_> = counts.iter().map(|(name, count)| format!("{count} of {name}")).collect();
        let kept = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        bail!("there is no refused body number {nth} of {source:?}; kept are {kept}");
    };
    complain(format!("kept at {}: {}", found.at, found.why.escape_debug()));
    if let Some(size) = found.cut_from {
        complain(format!(
            "it had {size} bytes, of which {} were kept: the rest is lost",
            found.body.len()
        ));
    }
    Ok(found.body)
}

/// The alerts for people: what is there, one field a line.
fn told(mapping: &Mapping, alerts: &[Normalised], routes: &[Option<String>]) -> String {
    let mut text = format!("{}: {} alert(s)\n", mapping.product(), alerts.len());
    for (alert, route) in alerts.iter().zip(routes) {
        let _ = writeln!(text, "\n{}", alert.title.escape_debug());
        let fields = serde_json::to_value(alert).unwrap_or_default();
        for (name, value) in fields.as_object().into_iter().flatten() {
            let value = match value {
                serde_json::Value::String(value) => value.escape_debug().to_string(),
                serde_json::Value::Array(items) if !items.is_empty() => items
                    .iter()
                    .map(|item| item.as_str().unwrap_or_default().escape_debug().to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
                _ => continue,
            };
            if name != "title" {
                let _ = writeln!(text, "  {name:<12} {value}");
            }
        }
        let _ = writeln!(text, "  {:<12} {}", "route", route.as_deref().unwrap_or("none"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Writer;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        source: Source,
    }

    /// Runs the command line over a payload: exit code (`None` where it could not run) and what it says.
    fn run(payload: &str, args: &[&str]) -> (Option<Exit>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("payload.json");
        std::fs::write(&file, payload).expect("written");
        let file = file.to_str().expect("UTF-8");
        run_line(&[&[file], args].concat(), None)
    }

    fn run_line(args: &[&str], database: Option<PathBuf>) -> (Option<Exit>, String) {
        let line = [&["vigie", "test"], args].concat();
        let SourceCommand::Test(args) = Line::parse_from(line).source.command else {
            panic!("the line says test");
        };
        let sources = BTreeMap::from([("edr".to_owned(), "generic".to_owned())]);
        let route = |source: &str, alert: &Normalised| {
            (alert.severity.as_str() == "critical").then(|| format!("{source}-critical"))
        };
        let mappings = Mappings::shipped();
        let setting = Setting { mappings: &mappings, sources: &sources, route, database };
        match test(&args, &setting) {
            Ok((code, text)) => (Some(code), text),
            Err(error) => (None, format!("{error:#}")),
        }
    }

    #[test]
    fn a_body_that_was_refused_can_be_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vigie.db");
        let writer = Writer::open(&path).expect("a new database");
        for (source, body) in [("edr", "{}"), ("edr", r#"{"title": "Malware"}"#), ("door", "?")] {
            let refused =
                refused::Refused { source, why: "title: is missing", body: body.as_bytes() };
            let now = Timestamp::from_millis(0);
            refused::keep(&writer.connection, now, &refused).expect("kept");
        }
        let kept = |nth| run_line(&["--kept", nth, "--source", "edr"], Some(path.clone()));
        let (code, out) = kept("1");
        assert!(code == Some(Exit::Good) && out.contains("Malware"), "{out}");
        let (code, out) = kept("2");
        assert!(code == Some(Exit::No) && out.contains("refused: title"), "{out}");
        let (code, said) = kept("3");
        assert_eq!(
            (code, said.as_str()),
            (None, "there is no refused body number 3 of \"edr\"; kept are 1 of door, 2 of edr")
        );
    }

    #[test]
    fn an_alert_is_shown_in_the_names_it_has_everywhere() {
        let payload = r#"{"title": "Malware", "severity": "critical", "hosts": ["db-1"]}"#;
        let (code, out) = run(payload, &["--source", "edr", "--format", "json"]);
        assert_eq!(code, Some(Exit::Good));
        let out: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(out["alerts"][0]["hosts"], json!(["db-1"]));
        assert_eq!(out["alerts"][0]["url"], json!(null));
        assert_eq!(out["route"], "edr-critical");
        let (_, out) = run(payload, &["--source", "generic"]);
        assert!(
            out.contains("Malware") && out.contains("db-1") && out.contains("generic-critical"),
            "{out}"
        );
    }

    #[test]
    fn a_refusal_is_an_answer_and_a_wrong_name_is_none() {
        let (code, out) = run("{}", &["--source", "generic", "--format", "json"]);
        assert_eq!(code, Some(Exit::No));
        let out: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(
            out,
            json!({"alerts": [], "refused": {"field": "title", "why": "is missing or blank"}})
        );
        let (code, said) = run("{}", &["--source", "alertmanger"]);
        assert_eq!(
            (code, said.as_str()),
            (
                None,
                "no source or mapping is called \"alertmanger\": did you mean \"alertmanager\"?"
            )
        );
        let (code, said) = run("{}", &["--source", "edr", "--header", "X-A: b"]);
        assert_eq!(code, Some(Exit::No), "{said}");
    }
}
