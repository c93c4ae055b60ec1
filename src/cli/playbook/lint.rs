//! `vigie playbook lint`: every mistake of every file at once.

use super::{Env, Exit, Format, Lint, Setting, folder};
use crate::config::{Place, Problem};
use crate::playbooks::{Library, check};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::path::PathBuf;

pub(super) fn run(args: &Lint, env: Env<'_>) -> anyhow::Result<(Exit, String)> {
    let setting = Setting::of(args.config.as_deref(), env)?;
    let files: Vec<PathBuf> = if args.files.is_empty() {
        Library::files(&folder(&setting.config))
            .map_err(|why| anyhow::anyhow!(super::super::joined(&why)))?
    } else {
        args.files.clone()
    };
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    for path in &files {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|why| anyhow::anyhow!("{file} cannot be read: {why}"))?;
        match check(&file, &text, setting.known()) {
            Ok(checked) => warnings.extend(checked.warnings),
            Err(wrong) => problems.extend(wrong),
        }
    }
    let exit = if problems.is_empty() { Exit::Good } else { Exit::No };
    let text = match args.format {
        Format::Json => {
            format!("{:#}", json!({"mistakes": listed(&problems), "warnings": listed(&warnings)}))
        }
        Format::Text => told(files.len(), &problems, &warnings),
    };
    Ok((exit, text))
}

fn told(files: usize, problems: &[Problem], warnings: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        let _ = writeln!(text, "{problem}\n");
    }
    for warning in warnings {
        let _ = writeln!(text, "warning: {warning}\n");
    }
    let counted = super::super::check::counted;
    let looked = counted(files, "playbook");
    let _ = match problems.len() {
        0 => write!(text, "{looked}, no mistake"),
        wrong => write!(text, "{looked}, {}", counted(wrong, "mistake")),
    };
    text
}

/// Problems as programs read them: editors, pipelines.
pub(super) fn listed(problems: &[Problem]) -> Vec<Json> {
    let one = |problem: &Problem| {
        let (file, line, column) = match &problem.place {
            Place::File { file, spot, .. } => (file.as_str(), Some(spot.line), Some(spot.column)),
            Place::Whole { file } => (file.as_str(), None, None),
            Place::Variable(name) => (name.as_str(), None, None),
        };
        json!({"file": file, "line": line, "column": column, "message": problem.message, "hint": problem.hint})
    };
    problems.iter().map(one).collect()
}
