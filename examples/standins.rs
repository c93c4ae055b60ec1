//! The stand-ins alone, for a client in any language: `cargo run --example standins -- [settles=SECONDS] [CONTROL [EDR [IAM [JIRA [GITHUB]]]]]`.
//!
//! A port that is not named is the system's choice. The first line on stdout is where each of them is, what it takes to be let
//! in, and where the control is: `GET /state`, `GET /calls?tool=edr`, `POST /faults`. It ends with stdin.

use anyhow::{Context as _, ensure};
use serde_json::json;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpListener;
use vigie::standins::{Edr, GitHub, Iam, Jira, Options, Standins, routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (options, control) = asked()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, control)).await?;
    let control = format!("http://{}", listener.local_addr()?);
    let standins = Standins::start(options).await?;
    say(&standins, &control)?;
    let served = axum::serve(listener, routes(standins.clone()));
    tokio::select! {
        served = served => served?,
        () = end_of_stdin() => {}
    }
    standins.shutdown();
    Ok(())
}

/// What the command line says: the stand-ins' ports, and the control's.
fn asked() -> anyhow::Result<(Options, u16)> {
    let (mut ports, mut edr) = (Vec::new(), Edr::example_corp());
    for word in std::env::args().skip(1) {
        match word.strip_prefix("settles=") {
            Some(seconds) => {
                let seconds = seconds.parse().context("settles= wants a number of seconds")?;
                edr.settles = Duration::try_from_secs_f64(seconds)?;
            }
            None => {
                ports.push(word.parse().with_context(|| format!("{word:?} is no port"))?);
            }
        }
    }
    ensure!(ports.len() <= 5, "there are five ports, {} were named", ports.len());
    ports.resize(5, 0);
    let options =
        Options { ports: [ports[1], ports[2], ports[3], ports[4]], edr, ..Options::default() };
    Ok((options, ports[0]))
}

fn say(standins: &Standins, control: &str) -> std::io::Result<()> {
    let (edr, iam) = (Edr::example_corp(), Iam::example_corp());
    let (jira, github) = (Jira::example_corp(), GitHub::example_corp());
    let here = json!({
        "control": control,
        "edr": {"url": standins.edr.url(), "client_id": edr.client_id, "client_secret": edr.client_secret},
        "iam": {"url": standins.iam.url(), "token": iam.token},
        "jira": {"url": standins.jira.url(), "email": jira.email, "token": jira.token},
        "github": {"url": standins.github.url(), "token": github.token},
    });
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{here}")?;
    stdout.flush()
}

async fn end_of_stdin() {
    // How it ends is the same to us.
    let _ = tokio::task::spawn_blocking(|| {
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())
    })
    .await;
}
