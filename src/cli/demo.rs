//! `vigie demo`: a local Slack, the bot against it over real HTTP and WebSocket, and a few alerts. No account, no network.

mod behind;
mod bot;
mod guide;
mod ports;
mod story;
mod tools;
mod workspace;

use super::signals::Signals;
use super::{Demo, Exit};
use crate::clock::Clock;
use crate::sim::Sim;
use anyhow::Context as _;
use behind::{Behind, Wish};
use bot::Bot;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// The bearer token of the demo's sources; the listener is on loopback only.
const TOKEN: &str = "demo";

/// Runs until Ctrl-C, SIGTERM or a closed terminal, or until the disk can no longer be trusted.
pub async fn run(args: Demo) -> anyhow::Result<Exit> {
    // First of all: what ends the demo must find somebody who cleans up.
    let mut signals = Signals::hear()?;
    let scratch = Scratch::new(args.keep.as_deref())?;
    let clock = Clock::real();
    let beside = ports::beside(args.port).await?;
    let standins = tools::start(&clock).await?;
    let panels = vec![behind::panel(beside.local_addr()?), tools::panel(beside.local_addr()?)];
    let sim = workspace::start(args.port, &clock, panels).await?;
    let mut bot = Bot::start((&sim, &standins), scratch.folder.join("vigie.db"), clock).await?;
    let (wish, mut wishes) = mpsc::channel(8);
    let behind = Behind::new(&sim, &bot, wish)?;
    introduce(&sim, &bot, beside.local_addr()?.port());
    if !args.no_open {
        open_browser(&sim.page_url());
    }
    let beside_it = [
        tokio::spawn(tell(sim.clone())),
        tokio::spawn(guide::run(sim.clone(), bot.app().reader())),
        tokio::spawn(story::play(bot.hooks(), bot.clock())),
        tokio::spawn(behind::serve(beside, behind, tools::routes(standins.clone()))),
    ];
    let failed = loop {
        tokio::select! {
            _ = signals.next() => break None,
            error = bot.failed() => break Some(error),
            Some((wish, done)) = wishes.recv() => {
                match wish {
                    Wish::Skip(span) => bot.app().skip(span),
                    Wish::Crash => bot.crash().await?,
                }
                // Who wished for it may have left the page.
                let _ = done.send(());
            }
        }
    };
    beside_it.iter().for_each(tokio::task::JoinHandle::abort);
    if let Some(error) = failed {
        return Err(error);
    }
    // A terminal that was closed takes no word any more.
    let _ = super::answer("\nStopping.");
    bot.stop().await?;
    standins.shutdown();
    sim.shutdown();
    Ok(Exit::Good)
}

/// Where the demo's database is; removed at the end unless it was asked for.
struct Scratch {
    folder: PathBuf,
    kept: bool,
}

impl Scratch {
    fn new(keep: Option<&Path>) -> anyhow::Result<Self> {
        let folder = match keep {
            Some(folder) => folder.to_owned(),
            None => std::env::temp_dir().join(format!("vigie-demo-{}", std::process::id())),
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder, kept: keep.is_some() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn introduce(sim: &Sim, bot: &Bot, beside: u16) {
    let page = sim.page_url();
    let port = page.rsplit(':').next().unwrap_or_default().trim_end_matches('/');
    let told = format!(
        "Vigie's demo: a local Slack with the bot in it. Nothing leaves this machine.\n\n\
         \x20 the page        {page}\n\
         \x20 send an alert   {}\n\
         \x20 the record      {}\n\
         \x20 over SSH        ssh -L {port}:127.0.0.1:{port} -L {beside}:127.0.0.1:{beside} HOST\n\
         \x20 stop            Ctrl-C\n\n\
         Open the page, look into #soc-critical, and acknowledge. Whoever does not is told again within a minute.\n",
        bot.curl(),
        bot.sqlite(),
    );
    // Where nobody reads it, the demo runs all the same.
    let _ = super::answer(told);
}

/// The conversation, as it happens.
async fn tell(sim: Sim) {
    use std::io::Write as _;
    let mut happenings = sim.subscribe();
    loop {
        match happenings.recv().await {
            // A reader that has gone away is no reason to stop.
            Ok(happening) => drop(writeln!(std::io::stdout(), "{happening}")),
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Best effort: the address is printed all the same.
fn open_browser(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    let _ = std::process::Command::new(program)
        .arg(url)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn();
}
