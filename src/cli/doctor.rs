//! `vigie doctor`: tries each thing that has to hold, and says what to mend. It changes nothing and posts nothing.
//!
//! A check is a file: it looks, and hands what it saw to a pure `judge`. What an earlier one has spoilt says so in one line.

mod channels;
mod clock;
mod disk;
mod finding;
mod hooks;
mod people;
mod reach;
mod scopes;
mod slack;
mod sockets;
mod store;
mod tls;
mod tools;

use super::{Config, Env, Exit, Format, answer, mappings_beside};
use crate::clock::Clock;
use crate::config::{Outside, Secrets, Settings};
use crate::domain::names::Names;
use crate::domain::people::Directory;
use crate::domain::policy::Context;
use crate::slack::api::Api;
use crate::slack::directory::{DirectoryReader, Wanted};
use anyhow::Context as _;
use clap::Args;
use finding::Finding;
use hooks::Local;
use slack::{Bot, Entrance};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;
use store::{Runs, Store};
use tokio::time::timeout;
use url::Url;

/// How it looks, and where.
#[derive(Clone, Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    pub config: Config,
    /// The address that sources send to, without /hooks: it is tried too.
    #[arg(long, value_name = "URL", value_parser = public)]
    pub url: Option<Url>,
    /// How the answer looks.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// The disk may hang (a network one); Slack may be slow. All of it together ends within 20 s.
const DISK: Duration = Duration::from_secs(3);
const HERE: Duration = Duration::from_secs(6);
const DIRECTORY: Duration = Duration::from_secs(5);
const EACH: Duration = Duration::from_secs(5);
const PUBLIC: Duration = Duration::from_secs(10);

fn public(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or("this is no address: write https://hooks.example.com")?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("write the address alone, without a name, a password or a ?query".to_owned());
    }
    Ok(url)
}

/// Good where nothing is to be mended. A config that does not read is an error.
pub async fn run(args: &Doctor, env: Env<'_>) -> anyhow::Result<Exit> {
    let (settings, mut findings) = read(&args.config.config, env)?;
    findings.extend(examine(&settings, args.url.as_ref()).await?);
    answer(finding::shown(&findings, args.format)?)?;
    Ok(if finding::is_well(&findings) { Exit::Good } else { Exit::No })
}

/// The config, with its secrets where they are all there; else each that is wrong is a finding, and the rest is looked at.
fn read(file: &Path, env: Env<'_>) -> anyhow::Result<(Settings, Vec<Finding>)> {
    let mappings = mappings_beside(Some(file)).context("try `vigie check`")?;
    let whole = super::settings(file, &mappings, (env, Secrets::Leave))?;
    let names: Vec<&str> = mappings.names().collect();
    let connectors = super::connectors_beside(file).map_err(|problems| {
        anyhow::anyhow!("{}\n\nTry `vigie check`.", super::joined(&problems))
    })?;
    let secrets = Secrets::Fetch;
    let outside = Outside { env, mappings: &names, connectors: &connectors, secrets };
    match Settings::load(file, &outside) {
        Ok(settings) => {
            let words = match settings.warnings.len() {
                0 => format!("{} and its secrets are good", file.display()),
                many => format!("{} is good; vigie check has {many} warnings", file.display()),
            };
            Ok((settings, vec![Finding::good("config", words)]))
        }
        Err(problems) => {
            let told = problems.iter().map(|problem| {
                let mend = problem.hint.clone().unwrap_or_else(|| {
                    "set it in the environment of this command; .env.example, if vigie init made one, says where it comes from"
                        .to_owned()
                });
                Finding::mend("secrets", problem.headline(), mend)
            });
            Ok((whole, told.collect()))
        }
    }
}

async fn examine(settings: &Settings, url: Option<&Url>) -> anyhow::Result<Vec<Finding>> {
    let clock = Clock::real();
    let path = settings.store.path.clone();
    let looked = timeout(DISK, tokio::task::spawn_blocking(move || store::look(&path))).await;
    let Store { mut findings, runs, names } = match looked {
        Ok(store) => store?,
        Err(_) => Store {
            findings: vec![Finding::mend(
                "disk",
                format!("{}: the disk does not answer", settings.store.path.display()),
                "see whether it is a network disk, or broken: df, dmesg",
            )],
            runs: Runs::Unknown,
            names: Names::default(),
        },
    };
    let (local, entrance, tools) = tokio::join!(
        timeout(HERE, hooks::here(&settings.http, &settings.sources, runs)),
        slack::look(&settings.slack, &clock),
        tools::look(settings),
    );
    let (local, entrance) = (local.unwrap_or_else(|_| Ok(Local::too_slow()))?, entrance?);
    findings.extend(local.findings);
    findings.extend(tools?);
    let public = async {
        match url {
            Some(url) => hooks::at(url, &settings.sources, local.answers).await,
            None => Ok(Vec::new()),
        }
    };
    let bot_runs = runs != Runs::No || local.occupied;
    let metrics = local.metrics.as_deref();
    let (public, workspace) = tokio::join!(
        timeout(PUBLIC, public),
        inside(settings, (entrance, names), (&clock, bot_runs, metrics)),
    );
    findings.extend(match public {
        Ok(public) => public?,
        Err(_) => vec![Finding::untried("url", "it answers too slowly")],
    });
    findings.extend(workspace);
    Ok(findings)
}

/// What needs a bot token that works.
async fn inside(
    settings: &Settings,
    (entrance, names): (Entrance, Names),
    (clock, bot_runs, metrics): (&Clock, bool, Option<&str>),
) -> Vec<Finding> {
    let Entrance { mut findings, bot, opens } = entrance;
    let Some((api, bot)) = bot else {
        findings.push(Finding::untried(
            "workspace",
            "channels, people and sockets want Slack's tokens to work",
        ));
        return findings;
    };
    let policy = settings.policy(clock.now(), |_, _| None);
    let wanted = Wanted::of(&policy);
    let (directory, whole) = directory(&api, &wanted, (clock, names)).await;
    if !whole {
        findings.push(Finding::warning(
            "people",
            "Slack is slow or limits us: not everyone was asked for, so what is said of people and channels may be wrong",
            "try again in a minute".to_owned(),
        ));
    }
    let context = Context { policy: &policy, directory: &directory };
    let entry: (&Api, &Bot) = (&api, &bot);
    let somebody = directory.people.iter().find(|(_, person)| !person.deactivated && !person.bot);
    let sockets = async {
        vec![match (bot_runs, opens) {
            (true, _) => sockets::beside_a_bot(metrics),
            (false, true) => sockets::alone(&api).await,
            (false, false) => Finding::untried("sockets", "the app token opens none"),
        }]
    };
    let (channels, people, reach, sockets) = tokio::join!(
        within("channel", channels::look(entry, &directory, &wanted.channels)),
        within("people", people::look(entry, &context, &wanted)),
        within("reach", reach::look(entry, somebody.map(|(user, _)| user))),
        within("sockets", sockets),
    );
    findings.extend([channels, people, reach, sockets].into_iter().flatten());
    findings
}

/// What Slack tells of whom the config names, by the bot's own reader; as far as it came in time, and whether that is all.
async fn directory(
    api: &Api,
    wanted: &Wanted,
    (clock, names): (&Clock, Names),
) -> (Directory, bool) {
    let reader = DirectoryReader::new(api.clone(), clock.clone()).knowing(names.clone());
    let newest = Mutex::new(Directory { names, ..Directory::default() });
    let publish = |_, directory| {
        *newest.lock().expect("a directory is only put down") = directory;
    };
    let told = timeout(DIRECTORY, reader.refresh(wanted, &publish)).await;
    let whole = told.is_ok_and(|told| told.complete && told.after.is_none());
    (newest.into_inner().expect("a directory is only put down"), whole)
}

async fn within(what: &'static str, look: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    let looked = timeout(EACH, look).await;
    looked.unwrap_or_else(|_| vec![Finding::untried(what, "Slack does not answer in time")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_holds_no_secret() {
        assert!(public("https://hooks.example.com").is_ok());
        assert!(public("https://hooks.example.com/vigie").is_ok());
        for wrong in ["hooks.example.com", "ftp://x", "https://me:secret@x", "https://x/?token=1"] {
            let said = public(wrong).expect_err(wrong);
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
