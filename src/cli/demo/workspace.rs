//! The demo's Slack: who is there, and in which channels.

use super::ports;
use crate::cli::manifest::MANIFEST;
use crate::clock::Clock;
use crate::sim::{Channel, Options, Panel, Sim, Team, User, Usergroup};
use anyhow::Context as _;
use serde_json::Value;
use std::net::SocketAddr;

/// Slack, with everybody in it, and with `panels` beside its page.
pub async fn start(port: Option<u16>, clock: &Clock, panels: Vec<Panel>) -> anyhow::Result<Sim> {
    let manifest: Value = serde_saphyr::from_str(MANIFEST).context("the manifest")?;
    let listen = async |listen: SocketAddr| {
        let options = Options {
            listen,
            epoch_ms: clock.now().as_millis(),
            team: Team { name: "Example Corp".to_owned(), ..Team::default() },
            panels: panels.clone(),
            ..Options::default()
        };
        Sim::start(options.with_manifest(&manifest)).await
    };
    let sim = ports::page(port, listen).await?;
    populate(&sim);
    Ok(sim)
}

fn populate(sim: &Sim) {
    let user = |id: &str, name: &str, (real_name, title): (&str, &str)| User {
        id: id.into(),
        name: name.into(),
        real_name: real_name.into(),
        title: title.into(),
        email: format!("{name}@example.com"),
        ..User::default()
    };
    let people = [
        ("U0ALICE", "alice", ("Alice Martin", "Analyst: acknowledges, resolves, starts playbooks")),
        ("U0BOB", "bob", ("Bob Chen", "Analyst, on call: is told first")),
        (
            "U0CARLA",
            "carla",
            ("Carla Rossi", "Lead: all that analysts may, and approves what is dangerous"),
        ),
        ("U0DAVE", "dave", ("Dave Okoro", "Auditor: may look, and act on nothing")),
    ];
    for (id, name, words) in people {
        sim.add_user(user(id, name, words));
    }
    sim.add_usergroup(Usergroup {
        id: "S0BLUE".into(),
        handle: "blue-team".into(),
        name: "Blue Team".into(),
        users: vec!["U0ALICE".into(), "U0BOB".into()],
        ..Usergroup::default()
    });
    for (id, name) in
        [("C0SOC", "soc-alerts"), ("C0CRIT", "soc-critical"), ("C0LEADS", "sec-leads")]
    {
        sim.add_channel(Channel { id: id.into(), name: name.into(), ..Channel::default() });
    }
}
