//! The keys that every installation has (`slack`, `store`, `http`, `heartbeat`, `log`): defaults, then the file, then
//! the environment, layered by the `config` crate.

use super::address::{self, SecretUrl};
use super::environment::{SLACK_API_URL, SLACK_APP_TOKEN, SLACK_BOT_TOKEN, given, variable};
use super::secret::{self, Secrets};
use super::tls;
use super::whom;
use super::{Heartbeat, Http, Log, LogFormat, Outside, Slack, Store, Tokens};
use crate::yaml::fields::{Fields, Shape, key};
use crate::yaml::problem::{Report, Spot, nearest};
use crate::yaml::units::{self, Rate};
use crate::yaml::{Node, What};
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};

pub(super) const SECTIONS: [(&str, Shape); 5] =
    [("slack", SLACK), ("store", STORE), ("http", HTTP), ("heartbeat", HEARTBEAT), ("log", LOG)];
const SLACK: Shape = Shape {
    name: "`slack`",
    keys: &[
        key(
            "channel",
            "channel",
            "#soc-alerts",
            "Where a route names no channel; and the fallback, where an alert is shown whose own channel does not take it (below).",
        ),
        key("timezone", "time zone", "UTC", "In which people are told times: `Europe/Paris`."),
        key(
            "post_rate",
            "rate",
            "1/s",
            "How fast messages go to one channel; Slack allows about one a second. Where more than ten alerts of a severity wait for \
             their turn, up to 20 share a message, each named and each with its button.",
        ),
        key(
            "api_url",
            "URL",
            "https://slack.com/api/",
            "Another server that speaks Slack's Web API. `http://` only on this machine (`localhost`, `127.0.0.0/8`, `::1`): the tokens \
             would travel in clear.",
        ),
        key("bot_token", "secret", "", "Begins with `xoxb-`. Left out, it is `SLACK_BOT_TOKEN`."),
        key(
            "app_token",
            "secret",
            "",
            "Begins with `xapp-`; needs the scope `connections:write`. Left out, it is `SLACK_APP_TOKEN`.",
        ),
    ],
    later: &[],
};
const STORE: Shape = Shape {
    name: "`store`",
    keys: &[key(
        "path",
        "path",
        "vigie.db",
        "The database: the journal and all that follows from it. One process at a time may use it. It needs a local disk: SQLite's \
         write-ahead log does not work over a network.",
    )],
    later: &[],
};
const HTTP: Shape = Shape {
    name: "`http`",
    keys: &[
        key(
            "listen",
            "address and port",
            "127.0.0.1:8080",
            "Where `/hooks/{source}`, `/healthz`, `/readyz` and `/metrics` are served.",
        ),
        key(
            "max_body",
            "size",
            "1MiB",
            "The largest webhook, after decompression; a larger one is answered 413.",
        ),
        key("tls", "map", "", "A certificate: then the port speaks HTTPS only."),
    ],
    later: &[],
};
const HEARTBEAT: Shape = Shape {
    name: "`heartbeat`",
    keys: &[
        key("url", "URL or secret", "", "Called for as long as all is well. Left out, nothing is."),
        key("every", "duration", "1m", "How often."),
    ],
    later: &[],
};
const LOG: Shape = Shape {
    name: "`log`",
    keys: &[
        key(
            "format",
            "word",
            "auto",
            "`human`, `json`, or `auto`: human on a terminal, JSON elsewhere.",
        ),
        key("level", "word", "info", "`error`, `warn`, `info`, `debug` or `trace`."),
    ],
    later: &[],
};

/// Each fixed key with its default; the secrets are not among them.
pub(super) fn defaults() -> impl Iterator<Item = (String, &'static str)> {
    let sections = SECTIONS.into_iter().chain([("http.tls", tls::SHAPE)]);
    let keys =
        sections.flat_map(|(section, shape)| shape.keys.iter().map(move |key| (section, key)));
    keys.filter(|(_, key)| !is_token(key.name) && key.name != "tls")
        .map(|(section, key)| (format!("{section}.{}", key.name), key.default))
}

/// The fixed keys after layering, and where each value came from.
#[derive(Debug)]
pub(super) struct Fixed<'a> {
    root: &'a Node,
    outside: &'a Outside<'a>,
    layers: config::Config,
}

impl<'a> Fixed<'a> {
    /// Layers the file's sections between the defaults and the environment.
    pub fn layer(root: &'a Node, outside: &'a Outside<'a>, report: &mut Report) -> Self {
        let mut file = serde_json::Map::new();
        for (name, shape) in SECTIONS {
            let Some(fields) = root.get(name).and_then(|n| Fields::read(n, shape, report)) else {
                continue;
            };
            // What is a secret is not layered: it is read where it is kept.
            let kept = |key: &str| fields.get(key).is_some_and(|node| is_secret(key, node));
            let names = shape.names();
            let values = names.iter().filter(|key| !kept(key));
            let section: serde_json::Map<_, _> = values
                .filter_map(|key| Some(((*key).to_owned(), value(fields.get(key)?, key, report)?)))
                .collect();
            file.insert(name.to_owned(), section.into());
        }
        let layers = build(serde_json::Value::Object(file), outside);
        Self { root, outside, layers: layers.expect("texts under known keys always fit together") }
    }

    /// A key's value, read by `parse`; what is wrong is said of the layer that it came from.
    pub(super) fn get<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
        report: &mut Report,
    ) -> Option<T> {
        let value = self.layers.get_string(key).unwrap_or_default();
        parse(value.trim()).map_err(|why| self.wrong(key, &why, report)).ok()
    }

    /// Says what is wrong with a key where its value came from.
    pub(super) fn wrong(&self, key: &str, why: &str, report: &mut Report) {
        match self.overridden_by(key) {
            Some(name) => report.variable(&name, why),
            None => report.wrong(self.spot(key), format!("`{key}`: {why}"), None),
        }
    }

    /// Says what should be known of a key where its value came from.
    pub(super) fn warn(&self, key: &str, message: String, report: &mut Report) {
        match self.overridden_by(key) {
            Some(name) => report.warn_of_variable(&name, message),
            None => report.warn(self.spot(key), message, None),
        }
    }

    pub(super) fn secrets(&self) -> Secrets {
        self.outside.secrets
    }

    pub(super) fn overridden_by(&self, key: &str) -> Option<String> {
        let ours = Some(variable(key));
        let slacks = (key == "slack.api_url").then(|| SLACK_API_URL.to_owned());
        ours.into_iter().chain(slacks).find(|name| given(name, self.outside).is_some())
    }

    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        key.split('.').try_fold(self.root, |node, key| node.get(key))
    }

    pub(super) fn spot(&self, key: &str) -> Spot {
        self.node(key).map(|node| node.at).unwrap_or_default()
    }

    pub fn slack(&self, report: &mut Report) -> Option<Slack> {
        let channel = self.get("slack.channel", whom::channel, report);
        let timezone = self.get("slack.timezone", zone, report);
        let api_url = self.get("slack.api_url", address::api, report);
        let post_rate = self.get("slack.post_rate", Rate::parse, report);
        let tokens = self.tokens(report);
        Some(Slack {
            channel: channel?,
            timezone: timezone?,
            api_url: api_url?,
            post_rate: post_rate?,
            tokens: match self.outside.secrets {
                Secrets::Fetch => Some(tokens?),
                Secrets::Leave => None,
            },
        })
    }

    fn tokens(&self, report: &mut Report) -> Option<Tokens> {
        let bot = self.token("slack.bot_token", (SLACK_BOT_TOKEN, "xoxb-", "xapp-"), report);
        let app = self.token("slack.app_token", (SLACK_APP_TOKEN, "xapp-", "xoxb-"), report);
        Some(Tokens { bot: bot?, app: app? })
    }

    fn token(
        &self,
        key: &str,
        (name, prefix, other): (&str, &str, &str),
        report: &mut Report,
    ) -> Option<SecretString> {
        let fetch = self.outside.secrets == Secrets::Fetch;
        let from_variable = given(name, self.outside).filter(|_| fetch);
        let (token, node) = match (from_variable, self.node(key)) {
            (Some(value), node) => {
                node.map(|node| secret::read(node, key, &self.unfetched(), report));
                (SecretString::from(value.trim()), None)
            }
            (None, Some(node)) => (secret::read(node, key, self.outside, report)?, Some(node)),
            (None, None) if fetch => {
                let message = format!("the environment variable is not set: {key} ({prefix}…)");
                report.variable(name, message);
                return None;
            }
            (None, None) => return None,
        };
        let begins = |with: &str| token.expose_secret().starts_with(with);
        let why = match () {
            () if begins(prefix) => return Some(token),
            () if begins(other) => {
                format!("{key} begins with {other}: it wants the token that begins with {prefix}")
            }
            () => format!(
                "{key} is none of Slack's tokens: it wants the one that begins with {prefix}"
            ),
        };
        match node {
            Some(node) => report.wrong(node.at, why, None),
            None => report.variable(name, why),
        }
        None
    }

    /// The environment goes first, but what stands in the file is still checked.
    fn unfetched(&self) -> Outside<'a> {
        Outside { secrets: Secrets::Leave, ..*self.outside }
    }

    pub fn store(&self, report: &mut Report) -> Option<Store> {
        let path = |text: &str| match text {
            "" => Err("a path is wanted".to_owned()),
            text => Ok(text.into()),
        };
        Some(Store { path: self.get("store.path", path, report)? })
    }

    pub fn http(&self, report: &mut Report) -> Option<Http> {
        let listen = self.get("http.listen", address::listen, report);
        let max_body = self.get("http.max_body", units::size, report);
        let tls = tls::read(self, report)?;
        if let (Some(listen), None) = (listen, &tls) {
            tls::warn_of_clear(self, listen, report);
        }
        Some(Http { listen: listen?, max_body: max_body?, tls })
    }

    /// `None` where something is wrong; `Some(None)` where no heartbeat is wanted.
    pub fn heartbeat(&self, report: &mut Report) -> Option<Option<Heartbeat>> {
        let every = |text: &str| match units::duration(text) {
            Ok(every) if every.is_zero() => Err("at least 1s is wanted".to_owned()),
            read => read,
        };
        let url = self.heartbeat_url(report);
        let every = self.get("heartbeat.every", every, report)?;
        Some(url?.map(|url| Heartbeat { url, every }))
    }

    fn heartbeat_url(&self, report: &mut Report) -> Option<Option<SecretUrl>> {
        const KEY: &str = "heartbeat.url";
        let parse = |text: &str| match text {
            "" => Ok(None),
            text => SecretUrl::parse(text).map(Some),
        };
        let overridden = self.overridden_by(KEY).is_some();
        match self.node(KEY) {
            Some(node) if is_secret("url", node) && !overridden => {
                let Some(text) = secret::read(node, KEY, self.outside, report) else {
                    return Some(None);
                };
                let read = parse(text.expose_secret().trim());
                return read
                    .map_err(|why| report.wrong(node.at, format!("`{KEY}`: {why}"), None))
                    .ok();
            }
            Some(node) if is_secret("url", node) => {
                secret::read(node, KEY, &self.unfetched(), report);
            }
            Some(node) => {
                let message = format!(
                    "`{KEY}` is a secret of its kind: whoever reads it can call it in our place"
                );
                report.warn(node.at, message, secret::HOW.to_owned());
            }
            None => {}
        }
        self.get(KEY, parse, report)
    }

    pub fn log(&self, report: &mut Report) -> Option<Log> {
        let format = |text: &str| match text {
            "auto" => Ok(LogFormat::Auto),
            "human" => Ok(LogFormat::Human),
            "json" => Ok(LogFormat::Json),
            other => Err(format!("`{other}` is not `auto`, `human` or `json`")),
        };
        let level = |text: &str| match text {
            "error" | "warn" | "info" | "debug" | "trace" => Ok(text.to_owned()),
            other => Err(format!("`{other}` is not `error`, `warn`, `info`, `debug` or `trace`")),
        };
        let format = self.get("log.format", format, report);
        let level = self.get("log.level", level, report);
        Some(Log { format: format?, level: level? })
    }
}

/// Whether a value is told by the place where it is kept.
fn is_secret(key: &str, node: &Node) -> bool {
    is_token(key) || (key == "url" && matches!(node.what, What::Map(_)))
}

fn is_token(key: &str) -> bool {
    key.ends_with("_token")
}

fn value(node: &Node, key: &str, report: &mut Report) -> Option<serde_json::Value> {
    if key == "tls" {
        return tls::layered(node, report);
    }
    let text = crate::yaml::fields::scalar(node);
    if text.is_none() {
        report.wrong(node.at, format!("`{key}` wants one value"), None);
    }
    text.map(Into::into)
}

fn build(
    file: serde_json::Value,
    outside: &Outside<'_>,
) -> Result<config::Config, config::ConfigError> {
    let mut builder = config::Config::builder();
    for (key, default) in defaults() {
        builder = builder.set_default(key, default)?;
    }
    let file = config::File::from_str(&file.to_string(), config::FileFormat::Json);
    let slacks = given(SLACK_API_URL, outside).map(|url| (variable("slack.api_url"), url));
    let ours = defaults().map(|(key, _)| variable(&key));
    let ours = ours.filter_map(|name| given(&name, outside).map(|value| (name, value)));
    // Ours comes last: it is the more particular of the two names for Slack's address.
    let environment = config::Environment::with_prefix("VIGIE")
        .prefix_separator("__")
        .separator("__")
        .source(Some(slacks.into_iter().chain(ours).collect()));
    builder.add_source(file).add_source(environment).build()
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| {
        let all: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        match nearest(text, all.iter().map(String::as_str)) {
            Some(near) => format!("`{text}` is no time zone: did you mean `{near}`?"),
            None => format!("`{text}` is no time zone: write it like Europe/Paris or UTC"),
        }
    })
}
