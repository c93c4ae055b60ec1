//! The running process, as commands about runs see it: asked over its socket, and its record read beside it.

use crate::clock::Clock;
use crate::control::{self, OfRun, Request, Response, Unreachable};
use crate::domain::ids::RunId;
use crate::domain::input::Answer;
use crate::domain::playbook::run::Run;
use crate::store::{Reader, runs};
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::standing;

/// How often it is looked how a run stands.
const LOOK: Duration = Duration::from_millis(100);
/// After so long without a change it is looked whether a process still runs.
const SILENT: Duration = Duration::from_secs(5);

/// The process that runs on a database.
pub(super) struct Running {
    database: PathBuf,
}

impl Running {
    pub fn at(database: &Path) -> Self {
        Self { database: database.to_owned() }
    }

    /// One answer to one request.
    pub async fn ask(&self, request: &Request) -> anyhow::Result<Answer> {
        match control::ask(&self.database, request).await {
            Ok(Response::Decided(mut answers)) => answers.pop().context("no answer came"),
            Ok(Response::Not(why)) => bail!("{why}"),
            Err(Unreachable::Nobody) => bail!(
                "no Vigie runs on {}: a playbook wants a running bot. Start it with `vigie serve`",
                self.database.display()
            ),
            Err(unreachable) => bail!("{unreachable}"),
        }
    }

    /// Does something to a run.
    pub async fn of(
        &self,
        run: &RunId,
        plan: Option<String>,
        what: OfRun,
    ) -> anyhow::Result<Answer> {
        self.ask(&Request::OfRun { run: run.clone(), plan, what }).await
    }

    /// The run as it stands on disk.
    pub fn load(&self, id: &RunId) -> anyhow::Result<Run> {
        self.find(id)?.with_context(|| format!("no run has the id {id}: see `vigie playbook runs`"))
    }

    /// The same, where there is one.
    pub fn find(&self, id: &RunId) -> anyhow::Result<Option<Run>> {
        let reader = Reader::of(&self.database)?;
        Ok(reader.read(|connection| runs::load(connection, id))?)
    }

    /// Looks at a run until it rests, and shows it each time that something has changed.
    pub async fn follow(
        &self,
        id: &RunId,
        mut tell: impl FnMut(&Run) -> anyhow::Result<()>,
    ) -> anyhow::Result<Run> {
        let reader = Reader::of(&self.database)?;
        let clock = Clock::real();
        let (mut seen, mut since) = (0, clock.instant());
        loop {
            let run = reader.read(|connection| runs::load(connection, id))?;
            let run = run.with_context(|| format!("{id} is gone from the database"))?;
            if run.as_of != seen {
                (seen, since) = (run.as_of, clock.instant());
                tell(&run)?;
            }
            if standing::rests(&run) {
                return Ok(run);
            }
            if since.elapsed() > SILENT {
                if !control::is_heard(&self.database).await {
                    bail!(
                        "{id} is {} and no Vigie runs any more: it goes on from there when one is started",
                        run.state.as_str()
                    );
                }
                since = clock.instant();
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
