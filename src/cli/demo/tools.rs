//! The tools that the demo's playbooks call: the stand-ins, and a page that shows what has become of hosts, people and tickets.

use crate::clock::Clock;
use crate::sim::Panel;
use crate::standins::{self, Edr, GitHub, Iam, Jira, Options, Standins};
use anyhow::Context as _;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use std::net::SocketAddr;

const PAGE: &str = include_str!("tools.html");

/// Where the page is, on the listener of what stands behind the scenes.
pub const PATH: &str = "/tools";

/// Starts them on ports that the system chooses.
pub async fn start(clock: &Clock) -> anyhow::Result<Standins> {
    let options = Options { epoch_ms: clock.now().as_millis(), ..Options::default() };
    Standins::start(options).await.context("the stand-ins for the tools cannot listen")
}

/// The config with the addresses of the tools in it.
pub fn located(config: &str, standins: &Standins) -> String {
    let fill = |text: String, (name, tool): (&str, &standins::Standin)| {
        text.replace(&format!("\"{}\"", name.to_uppercase()), &format!("\"{}\"", tool.url()))
    };
    standins.all().into_iter().fold(config.to_owned(), fill)
}

/// What opens each of them, by the variable that the config names.
pub fn secret(variable: &str) -> Option<String> {
    Some(match variable {
        "DEMO_EDR_SECRET" => Edr::example_corp().client_secret,
        "DEMO_IAM_TOKEN" => Iam::example_corp().token,
        "DEMO_JIRA_TOKEN" => Jira::example_corp().token,
        "DEMO_GITHUB_TOKEN" => GitHub::example_corp().token,
        _ => return None,
    })
}

/// Where Slack's page finds it.
pub fn panel(address: SocketAddr) -> Panel {
    Panel {
        title: "Stand-ins: EDR · IAM · Jira".to_owned(),
        url: format!("http://{address}{PATH}"),
    }
}

/// The page, and what it asks for.
pub fn routes(standins: Standins) -> Router {
    Router::new().route("/", get(async || Html(PAGE))).merge(standins::routes(standins))
}
