//! The config as it stands on disk, with the mappings, connectors and playbooks beside it: read at the start, and again whenever that changes.

use super::{Env, mappings_beside, playbook, sources_beside};
use crate::config::{Outside, Problem, Secrets, Settings};
use crate::connectors::library as connectors;
use crate::intake::mapping::Mappings;
use crate::playbooks::Library;
use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often it is looked whether the files are others. What was changed is taken up when it looks the same once more, so that
/// a file that is being written is read whole.
const LOOK: Duration = Duration::from_secs(1);

/// Where the config is, and what stood there when it was last read.
pub struct ConfigFile {
    path: PathBuf,
    env: Env<'static>,
    read: [u8; 32],
}

impl ConfigFile {
    pub fn new(path: &Path, env: Env<'static>) -> Self {
        Self { path: path.to_owned(), env, read: [0; 32] }
    }

    /// Reads it, secrets too; or says everything that is wrong.
    pub fn read(&mut self) -> anyhow::Result<(Settings, Mappings)> {
        // What is written while we read is seen as a change.
        self.read = looks(&self.path);
        let mappings = mappings_beside(Some(&self.path))?;
        let settings = super::settings(&self.path, &mappings, (self.env, Secrets::Fetch))?;
        let library = playbook::beside(&self.path, &settings).map_err(|problems| {
            anyhow::anyhow!("{}\n\nTry `vigie check`.", super::joined(&problems))
        })?;
        Ok((settings.with_playbooks(library.playbooks), mappings))
    }

    /// The same while others go on: a program that tells a secret may take its time. What is wrong is said without the lines in
    /// which it stands.
    pub async fn read_again(&mut self) -> anyhow::Result<(Settings, Mappings)> {
        self.read = looks(&self.path);
        let (path, env) = (self.path.clone(), self.env);
        let read = tokio::task::spawn_blocking(move || {
            let mappings = mappings_beside(Some(&path))?;
            let names: Vec<&str> = mappings.names().collect();
            let connectors = super::connectors_beside(&path).map_err(headlines)?;
            let secrets = Secrets::Fetch;
            let outside = Outside { env, mappings: &names, connectors: &connectors, secrets };
            let settings = Settings::load(&path, &outside).map_err(headlines)?;
            let library = playbook::beside(&path, &settings).map_err(headlines)?;
            Ok((settings.with_playbooks(library.playbooks), mappings))
        });
        read.await.context("reading the config panicked")?
    }

    /// Returns when something else stands there than was last read.
    pub async fn changed(&self) {
        let mut before = self.read;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = looks(&self.path);
            if now != self.read && now == before {
                return;
            }
            before = now;
        }
    }
}

fn headlines(problems: Vec<Problem>) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(Problem::headline).collect();
    anyhow::anyhow!(lines.join("; "))
}

/// What all the files say, by their hash. Contents rather than times: a file may be a link that is turned to another.
fn looks(config: &Path) -> [u8; 32] {
    let mut sha = Sha256::new();
    let mut one = |path: &Path| match std::fs::read(path) {
        Ok(bytes) => {
            sha.update((bytes.len() as u64).to_be_bytes());
            sha.update(&bytes);
        }
        Err(error) => sha.update(error.kind().to_string()),
    };
    one(config);
    let mappings = Mappings::files(&sources_beside(config)).unwrap_or_default();
    let playbooks = Library::files(&playbook::folder(config)).unwrap_or_default();
    let connectors = connectors::files(&super::connector_folder(config)).unwrap_or_default();
    for path in mappings.iter().chain(&playbooks).chain(&connectors) {
        one(path);
    }
    sha.finalize().into()
}
