//! The tools that the demo's playbooks call: the stand-ins, and a page that shows what has become of hosts, people and tickets.

use crate::clock::Clock;
use crate::sim::Panel;
use crate::standins::{self, Options, Standins};
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
