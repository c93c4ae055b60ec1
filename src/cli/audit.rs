//! `vigie audit`: is the record what it was, and the mending of what is folded from it.

use super::{Exit, answer};
use crate::audit::verify::{self, Finding, Verdict};
use crate::store::{Reader, Writer, projections};
use anyhow::Context as _;
use std::path::Path;

/// So many erased entries are named; of more, only how many there are.
const NAMED: usize = 20;

/// Reads the whole journal beside a running process: 0 it is good, 1 it is not, with the first bad entry.
pub fn verify_journal(database: &Path) -> anyhow::Result<Exit> {
    let reader = Reader::of(database)?;
    let verdict = verify::verify(&reader).context("the journal cannot be read")?;
    if let Some(finding) = &verdict.finding {
        return not_good(&verdict, finding);
    }
    answer(format!("good: {} entries, the chain ends in {}", verdict.entries, verdict.head))?;
    tell_erased(&verdict.erased)?;
    answer("the tables that the views show are what the journal says")?;
    Ok(Exit::Good)
}

fn not_good(verdict: &Verdict, finding: &Finding) -> anyhow::Result<Exit> {
    answer(format!("NOT GOOD: {finding}"))?;
    answer(format!("{} entries before it are good, up to {}", verdict.entries, verdict.head))?;
    tell_erased(&verdict.erased)?;
    Ok(Exit::No)
}

/// Erasing is allowed and leaves the chain whole: so it is said each time, for somebody to know whether it was meant.
fn tell_erased(erased: &[i64]) -> std::io::Result<()> {
    if erased.is_empty() {
        return Ok(());
    }
    let named: Vec<_> = erased.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if erased.len() > NAMED { ", …" } else { "" };
    answer(format!(
        "private content was erased ({}): entry {}{more}",
        erased.len(),
        named.join(", ")
    ))
}

/// Drops what is folded from the journal and folds it again. Needs the database for itself, and a journal that is good: what
/// is folded from another would hide what was done to it.
pub fn rebuild(database: &Path) -> anyhow::Result<Exit> {
    let verdict = verify::journal(&Reader::of(database)?).context("the journal cannot be read")?;
    if let Some(finding) = &verdict.finding {
        answer("nothing was rebuilt: tables are made from a good journal only")?;
        return not_good(&verdict, finding);
    }
    let mut writer = Writer::open(database)?;
    let transaction = writer.connection.transaction()?;
    projections::rebuild(&transaction)
        .context("the journal cannot be folded; try `vigie audit verify`")?;
    transaction.commit()?;
    answer(format!("rebuilt: {}", projections::TABLES.join(", ")))?;
    Ok(Exit::Good)
}
