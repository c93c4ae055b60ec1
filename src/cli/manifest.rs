//! `vigie manifest`: the Slack app's manifest, as it stands in the repository.

use super::{Exit, answer};

/// The manifest's text.
pub const MANIFEST: &str = include_str!("../../slack-manifest.yaml");

/// Prints it.
pub fn run() -> anyhow::Result<Exit> {
    answer(MANIFEST.trim_end())?;
    Ok(Exit::Good)
}
