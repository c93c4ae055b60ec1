//! `vigie audit`: is the record what it was, and the mending of what is folded from it.

use super::{Exit, answer};
use crate::audit::verify::verify;
use crate::store::{Reader, Writer, projections};
use anyhow::Context as _;
use std::path::Path;

/// Reads the whole journal beside a running process: 0 it is good, 1 it is not, with the first bad entry.
pub fn verify_journal(database: &Path) -> anyhow::Result<Exit> {
    let reader = Reader::of(database)?;
    let verdict = verify(&reader).context("the journal cannot be read")?;
    match verdict.finding {
        None => {
            answer(format!(
                "good: {} entries, the chain ends in {}",
                verdict.entries, verdict.head
            ))?;
            answer("the tables that the views show are what the journal says")?;
            Ok(Exit::Good)
        }
        Some(finding) => {
            answer(format!("NOT GOOD: {finding}"))?;
            answer(format!(
                "{} entries before it are good, up to {}",
                verdict.entries, verdict.head
            ))?;
            Ok(Exit::No)
        }
    }
}

/// Drops what is folded from the journal and folds it again. Needs the database for itself.
pub fn rebuild(database: &Path) -> anyhow::Result<Exit> {
    anyhow::ensure!(database.exists(), "there is no database at {}", database.display());
    let mut writer = Writer::open(database)?;
    let transaction = writer.connection.transaction()?;
    projections::rebuild(&transaction)
        .context("the journal cannot be folded; try `vigie audit verify`")?;
    transaction.commit()?;
    answer(format!("rebuilt: {}", projections::TABLES.join(", ")))?;
    Ok(Exit::Good)
}
