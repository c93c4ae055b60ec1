//! The playbooks there are: those that we ship, embedded, and a folder's, which override and add by file name.

use super::{Known, check};
use crate::domain::ids::{PlaybookName, ToolName};
use crate::domain::playbook::Playbooks;
use crate::yaml::{self, Problem, Report, What};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every file of `playbooks/`, by name. This is the one place where they are embedded.
const SHIPPED: [(&str, &str); 6] = [
    ("enrich", include_str!("../../playbooks/enrich.yaml")),
    ("isolate-host", include_str!("../../playbooks/isolate-host.yaml")),
    ("jira-ticket", include_str!("../../playbooks/jira-ticket.yaml")),
    ("leaked-secret", include_str!("../../playbooks/leaked-secret.yaml")),
    ("lift-containment", include_str!("../../playbooks/lift-containment.yaml")),
    ("suspend-user", include_str!("../../playbooks/suspend-user.yaml")),
];

/// All playbooks that can run, and those of ours that cannot yet.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub playbooks: Playbooks,
    pub waiting: Vec<Waiting>,
    pub warnings: Vec<Problem>,
}

/// A playbook that we ship and whose tools are not all connected. It is offered to nobody, and is no mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub name: PlaybookName,
    pub tools: Vec<ToolName>,
    /// A role that it names and the config has not.
    pub why: Option<String>,
}

impl Library {
    /// Those that we ship.
    pub fn shipped(known: Known<'_>) -> Self {
        let mut all = Self::default();
        for (name, text) in Self::texts() {
            all.add_shipped(name, text, known);
        }
        all
    }

    /// The files that we ship: name and text.
    pub fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
        SHIPPED.into_iter()
    }

    /// Those that we ship, and over them the `*.yaml` of a folder. A folder that is not there is an empty one. Every mistake of
    /// every file is told, in the order of the files.
    pub fn load(folder: &Path, known: Known<'_>) -> Result<Self, Vec<Problem>> {
        let mut own = Self::default();
        let mut problems = Vec::new();
        for path in Self::files(folder)? {
            let file = path.display().to_string();
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(why) => {
                    problems.push(Problem::whole(&file, format!("cannot be read: {why}")));
                    continue;
                }
            };
            match check(&file, &text, known) {
                Ok(checked) => own.add(checked),
                Err(wrong) => problems.extend(wrong),
            }
        }
        for (name, text) in Self::texts() {
            if !own.playbooks.0.contains_key(&PlaybookName::from(name)) {
                own.add_shipped(name, text, known);
            }
        }
        if problems.is_empty() { Ok(own) } else { Err(problems) }
    }

    /// The playbooks' files in a folder, sorted.
    pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Vec<Problem>> {
        let unread = |why: std::io::Error| {
            vec![Problem::whole(&folder.display().to_string(), format!("cannot be read: {why}"))]
        };
        let entries = match std::fs::read_dir(folder) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(unread(why)),
            Ok(entries) => entries,
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths: Vec<_> = paths.collect::<Result<_, _>>().map_err(unread)?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"));
        paths.sort();
        Ok(paths)
    }

    fn add(&mut self, checked: super::Checked) {
        let name = checked.playbook.name.clone();
        self.playbooks.0.insert(name, Arc::new(checked.playbook));
        self.warnings.extend(checked.warnings);
    }

    /// One of ours: what it lacks here is nobody's mistake.
    fn add_shipped(&mut self, name: &str, text: &str, known: Known<'_>) {
        let missing = tools(text).into_iter().filter(|tool| !known.catalogue.0.contains_key(tool));
        let tools: Vec<_> = missing.collect();
        let name = PlaybookName::from(name);
        if !tools.is_empty() {
            self.waiting.push(Waiting { name, tools, why: None });
            return;
        }
        match check(&format!("playbooks/{name}.yaml"), text, known) {
            Ok(checked) => self.add(checked),
            Err(wrong) => {
                let why = wrong.first().map(|problem| problem.message.clone());
                self.waiting.push(Waiting { name, tools, why });
            }
        }
    }
}

/// The tools that a playbook's steps use, whether they are connected or not.
fn tools(text: &str) -> Vec<ToolName> {
    let root = yaml::parse(text, &mut Report::new("", text));
    let sections = ["steps", "on_failure", "always"];
    let steps = sections.iter().filter_map(|key| match &root.as_ref()?.get(key)?.what {
        What::List(items) => Some(items),
        _ => None,
    });
    let mut tools: Vec<ToolName> = Vec::new();
    for step in steps.flatten() {
        let Some(What::Text(uses)) = step.get("uses").map(|node| &node.what) else { continue };
        let tool = ToolName::from(uses.split('.').next().unwrap_or_default());
        if !tools.contains(&tool) {
            tools.push(tool);
        }
    }
    tools
}
