//! The simulated Slack alone, for a client in any language: `cargo run --example slack -- [PORT] [still]`.
//!
//! The first line on stdout is where it is and which tokens it takes. People act over HTTP, on the page (`POST /page/act`, `GET
//! /page/state`). What Slack itself does comes on stdin, a JSON object a line (`{"do": "fail_next", …}`), and is answered by a
//! line: `{"ok": …}` or `{"error": "…"}`. It ends with stdin.
//!
//! With `still` time stands, and moves only by `{"do": "pass", "seconds": 60}`: a retry after five minutes need not be waited for.
use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use vigie::sim::{App, Channel, Dnd, Fault, Options, Sim, User, Usergroup};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let port = args.next().map_or(Ok(0), |port| port.parse()).context("the port is a number")?;
    match args.next().as_deref() {
        None => {}
        Some("still") => tokio::time::pause(),
        Some(other) => bail!("{other:?} is neither a port nor `still`"),
    }
    let sim = Sim::start(options(port)).await?;
    populate(&sim).await?;
    let App { bot_token, app_token, .. } = App::default();
    let here = json!({
        "api_url": sim.api_url(), "page_url": sim.page_url(), "bot_token": bot_token, "app_token": app_token,
    });
    say(&here)?;
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        let answer = match obey(&sim, &line).await {
            Ok(answer) => json!({ "ok": answer }),
            Err(why) => json!({"error": format!("{why:#}")}),
        };
        say(&answer)?;
    }
    sim.shutdown();
    Ok(())
}

/// The lines of stdin. While the blocking task that reads them lives, tokio lets paused time stand.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn say(answer: &Value) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{answer}")?;
    stdout.flush()
}

fn options(port: u16) -> Options {
    let mut options =
        Options { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ..Options::default() };
    let more =
        ["message.channels", "message.groups", "message.im", "app_mention", "reaction_added"];
    options.events.extend(more.map(ToString::to_string));
    // The bot leaves two channels before anybody listens: of that no event is to come late.
    options.events.retain(|event| !event.ends_with("_left"));
    options
}

/// Who and what is there: the clients' tests know these ids.
async fn populate(sim: &Sim) -> anyhow::Result<()> {
    for (id, name) in [("U0ANA", "ana"), ("U0BEA", "bea"), ("U0LEA", "lea")] {
        sim.add_user(User { id: id.into(), ..User::named(name) });
    }
    sim.add_user(User { id: "U0GONE".into(), deleted: true, ..User::named("gone") });
    for (id, name) in [("C0SOC", "soc"), ("C0SEC", "sec"), ("C0OLD", "old"), ("C0OUT", "out")] {
        sim.add_channel(Channel {
            id: id.into(),
            archived: id == "C0OLD",
            members: vec!["U0ANA".into(), "U0BEA".into()],
            ..Channel::named(name)
        });
    }
    let private = Channel::private("board");
    sim.add_channel(Channel { id: "C0BOARD".into(), members: vec!["U0LEA".into()], ..private });
    for without_bot in ["C0OUT", "C0BOARD"] {
        sim.remove_bot_from(without_bot).await?;
    }
    sim.add_usergroup(Usergroup {
        id: "S0BLUE".into(),
        handle: "blue-team".into(),
        name: "Blue Team".into(),
        users: vec!["bea".into()],
        ..Usergroup::default()
    });
    let night =
        Dnd { enabled: true, next_start: 1_732_554_000, next_end: 1_732_593_600, ..Dnd::default() };
    sim.set_dnd("bea", night)?;
    Ok(())
}

/// Does what one line says.
async fn obey(sim: &Sim, line: &str) -> anyhow::Result<Value> {
    let order: Value = serde_json::from_str(line).context("a line is a JSON object")?;
    let text = |name: &str| order[name].as_str().ok_or_else(|| anyhow!("{name} is missing"));
    match text("do")? {
        "pass" => pass(seconds(&order["seconds"])?).await,
        "fail_next" => sim.fail_next(text("method")?, fault(&order["fault"])?),
        "heal" => sim.heal(),
        "down" => sim.set_down(order["down"] == true),
        "drop" => sim.drop_sockets(),
        "freeze" => sim.freeze_sockets(),
        "disconnect" => sim.disconnect_all(reason(text("reason")?)?),
        "hang_next_open" => sim.hang_next_open(),
        "hang_next_upgrade" => sim.hang_next_upgrade(),
        "repeat_next" => sim.repeat_next(),
        "deliver_raw" => return Ok(json!(sim.deliver_raw(text("text")?))),
        "await_sockets" => {
            let wanted = order["count"].as_u64();
            sim.until(|sim| (u64::try_from(sim.sockets()).ok() == wanted).then_some(())).await;
        }
        "calls" => return calls(sim, text("method")?),
        "acks" => return Ok(acks(sim)),
        "transcript" => return Ok(json!(sim.transcript())),
        other => bail!("nothing is called {other:?}"),
    }
    Ok(Value::Null)
}

/// Lets time pass, and a few milliseconds more one by one: what falls due then may have to be followed at once.
async fn pass(span: Duration) {
    tokio::time::advance(span).await;
    for _ in 0..5 {
        tokio::time::advance(Duration::from_millis(1)).await;
    }
}

fn calls(sim: &Sim, method: &str) -> anyhow::Result<Value> {
    let told = |call: vigie::sim::Call| json!({"body": call.body, "status": call.status, "error": call.error});
    Ok(sim.calls_of(method).into_iter().map(told).collect())
}

fn acks(sim: &Sim) -> Value {
    let told = |ack: vigie::sim::Ack| json!({"envelope_id": ack.envelope_id, "payload": ack.payload, "in_time": ack.in_time});
    sim.acks().into_iter().map(told).collect()
}

/// A fault's name, or an object of its name and what it holds: `{"rate_limited": 1}`.
fn fault(value: &Value) -> anyhow::Result<Fault> {
    let named = value.as_object().and_then(|fields| fields.iter().next());
    let (name, holds) = match named {
        Some((name, holds)) => (name.as_str(), holds),
        None => (value.as_str().unwrap_or_default(), &Value::Null),
    };
    Ok(match name {
        "status" => Fault::Status(u16::try_from(holds.as_u64().unwrap_or_default())?),
        "rate_limited" => Fault::RateLimited { retry_after: seconds(holds)? },
        "error" => Fault::error(holds.as_str().unwrap_or_default()),
        "lose_response" => Fault::LoseResponse,
        "drop_connection" => Fault::DropConnection,
        "hang" => Fault::Hang(seconds(holds)?),
        "slow" => Fault::Slow(seconds(holds)?),
        other => bail!("no fault is called {other:?}"),
    })
}

fn seconds(value: &Value) -> anyhow::Result<Duration> {
    let seconds = value.as_f64().ok_or_else(|| anyhow!("{value} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).context("no span of time")
}

fn reason(name: &str) -> anyhow::Result<&'static str> {
    const REASONS: &[&str] =
        &["warning", "refresh_requested", "too_many_websockets", "link_disabled"];
    let known = REASONS.iter().find(|reason| **reason == name);
    known.copied().ok_or_else(|| anyhow!("Slack knows {REASONS:?}, not {name:?}"))
}
