//! `vigie playbook test`: the cases beside the playbooks, played without any tool.

use super::{Env, Exit, Format, Setting, folder, lint};
use crate::cli::check::counted;
use crate::cli::{connectors_beside, joined};
use crate::config::{Problem, nearest};
use crate::domain::ids::PlaybookName;
use crate::domain::playbook::Playbook;
use crate::domain::tool::Catalogue;
use crate::playbooks::rehearsal::{Rehearsed, rehearse};
use crate::playbooks::{Known, Library};
use clap::Args;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Test {
    /// Files of cases; none means the folder `playbooks/tests` beside the config
    pub files: Vec<PathBuf>,
    /// The config, for its tools; vigie.yaml is taken where it is there
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A file of cases, with what came of each; or what is wrong with the file.
type Tried = (String, Result<Vec<Rehearsed>, Vec<Problem>>);

pub(super) fn run(args: &Test, env: Env<'_>) -> anyhow::Result<(Exit, String)> {
    let setting = Setting::of(args.config.as_deref(), env)?;
    let catalogue = with_the_unconnected(&setting)?;
    let known = Known { catalogue: &catalogue, roles: None };
    let own = folder(&setting.config);
    let wrong = |problems: Vec<Problem>| anyhow::anyhow!(joined(&problems));
    let library = Library::load(&own, known).map_err(wrong)?;
    let files = match args.files.is_empty() {
        true => Library::files(&own.join("tests")).map_err(wrong)?,
        false => args.files.clone(),
    };
    let tried: Vec<Tried> =
        files.iter().map(|path| tried(path, &library, known)).collect::<anyhow::Result<_>>()?;
    let good = |of: &Rehearsed| of.problems.is_empty();
    let all = tried.iter().all(|(_, came)| came.as_ref().is_ok_and(|cases| cases.iter().all(good)));
    let text = match args.format {
        Format::Text => as_text(&tried),
        Format::Json => format!("{:#}", as_json(&tried)),
    };
    Ok((if all { Exit::Good } else { Exit::No }, text))
}

/// The config's tools, and those that it could connect: a playbook is tried before its tool is there.
fn with_the_unconnected(setting: &Setting) -> anyhow::Result<Catalogue> {
    let connectors = connectors_beside(&setting.config);
    let connectors = connectors.map_err(|problems| anyhow::anyhow!(joined(&problems)))?;
    let mut all = connectors.unconnected();
    all.0.extend(setting.catalogue.0.clone());
    Ok(all)
}

fn tried(path: &Path, library: &Library, known: Known<'_>) -> anyhow::Result<Tried> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|why| anyhow::anyhow!("{file} cannot be read: {why}"))?;
    let came = of(path, library)
        .map_err(|problem| vec![problem])
        .and_then(|playbook| rehearse((&file, &text), playbook, known));
    Ok((file, came))
}

/// The playbook that a file is about: the one of its name.
fn of<'a>(path: &Path, library: &'a Library) -> Result<&'a Arc<Playbook>, Problem> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let all = &library.playbooks.0;
    all.get(&PlaybookName::from(&*name)).ok_or_else(|| {
        let near = nearest(&name, all.keys().map(PlaybookName::as_str));
        let file = path.display().to_string();
        let hint =
            near.map(|near| format!("did you mean `{near}`? The file's name is the playbook's"));
        Problem { hint, ..Problem::whole(&file, format!("there is no playbook `{name}`")) }
    })
}

fn as_text(tried: &[Tried]) -> String {
    let mut text = String::new();
    let (mut cases, mut wrong, mut mistakes) = (0, 0, 0);
    for (file, came) in tried {
        let _ = writeln!(text, "{file}");
        let came = came.as_ref().unwrap_or_else(|problems| {
            mistakes += problems.len();
            problems.iter().for_each(|problem| {
                let _ = writeln!(text, "{problem}");
            });
            const { &Vec::new() }
        });
        for case in came {
            cases += 1;
            wrong += usize::from(!case.problems.is_empty());
            let word = if case.problems.is_empty() { "ok" } else { "NOT" };
            let _ = writeln!(text, "  {word:<4} {}", case.name);
            case.problems.iter().for_each(|problem| {
                let _ = writeln!(text, "{problem}");
            });
        }
    }
    let _ = write!(text, "{}", counted(cases, "case"));
    if wrong > 0 {
        let _ = write!(text, ", {wrong} not as it should be");
    }
    if mistakes > 0 {
        let _ = write!(text, ", {}", counted(mistakes, "mistake"));
    }
    text
}

fn as_json(tried: &[Tried]) -> Json {
    let case = |case: &Rehearsed| json!({"name": case.name, "good": case.problems.is_empty(), "problems": lint::listed(&case.problems)});
    let file = |(file, came): &Tried| match came {
        Ok(cases) => {
            json!({"file": file, "cases": cases.iter().map(case).collect::<Vec<_>>(), "mistakes": []})
        }
        Err(problems) => json!({"file": file, "cases": [], "mistakes": lint::listed(problems)}),
    };
    tried.iter().map(file).collect()
}
