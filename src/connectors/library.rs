//! The connectors there are: those that we ship, embedded, and a folder's, which override and add by file name.

use super::spec::{self, Field, FieldKind, Spec};
use crate::domain::ids::ToolName;
use crate::domain::tool::Catalogue;
use crate::yaml::Problem;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// Every file of `connectors/`, by name. This is the one place where they are embedded.
const SHIPPED: [(&str, &str); 5] = [
    ("crowdstrike", include_str!("../../connectors/crowdstrike.yaml")),
    ("github", include_str!("../../connectors/github.yaml")),
    ("http", include_str!("../../connectors/http.yaml")),
    ("jira", include_str!("../../connectors/jira.yaml")),
    ("okta", include_str!("../../connectors/okta.yaml")),
];

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let read = SHIPPED.iter().map(|(name, text)| {
        let spec = spec::read(name, &format!("connectors/{name}.yaml"), text);
        let spec = spec.unwrap_or_else(|problems| {
            let told: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
            panic!("shipped, and tested: {told}")
        });
        ((*name).to_owned(), Arc::new(spec))
    });
    Library(read.collect())
});

/// All connectors, by name.
#[derive(Clone, Debug, Default)]
pub struct Library(BTreeMap<String, Arc<Spec>>);

impl Library {
    /// The tools that these are, connected to nowhere: what can be known of a playbook before there is any connection.
    pub fn unconnected(&self) -> Catalogue {
        let tools = self.0.iter().map(|(name, spec)| {
            let fields = &spec.connection.fields;
            let plain = fields.iter().filter(|(_, field)| field.kind != FieldKind::Secret);
            let value = |(field, kind): (&String, &Field)| {
                let value = match kind.kind {
                    FieldKind::Url { .. } => format!("https://{name}.invalid"),
                    FieldKind::Text | FieldKind::Secret => field.clone(),
                };
                (field.clone(), value.into())
            };
            let name = ToolName::from(name.as_str());
            (name.clone(), Arc::new(spec.tool(name, plain.map(value).collect())))
        });
        Catalogue(tools.collect())
    }

    /// Those that we ship.
    pub fn shipped() -> &'static Self {
        &LIBRARY
    }

    /// Those that we ship, and over them the `*.yaml` of a folder. A folder that is not there is an empty one.
    ///
    /// Every mistake of every file is told, in the order of the files.
    pub fn load(folder: &Path) -> Result<Self, Vec<Problem>> {
        let mut all = Self::shipped().clone();
        let mut problems = Vec::new();
        for path in files(folder).map_err(|problem| vec![problem])? {
            let file = path.display().to_string();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let read = std::fs::read_to_string(&path)
                .map_err(|why| vec![Problem::whole(&file, format!("cannot be read: {why}"))])
                .and_then(|text| spec::read(&name, &file, &text));
            match read {
                Ok(spec) => {
                    all.0.insert(name, Arc::new(spec));
                }
                Err(mistakes) => problems.extend(mistakes),
            }
        }
        if problems.is_empty() { Ok(all) } else { Err(problems) }
    }

    /// The connector of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Spec>> {
        self.0.get(name)
    }

    /// Every name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }

    /// Every connector, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Arc<Spec>)> {
        self.0.iter().map(|(name, spec)| (name.as_str(), spec))
    }
}

/// The connectors' files in a folder, sorted.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unread = |why: std::io::Error| {
        Problem::whole(&folder.display().to_string(), format!("cannot be read: {why}"))
    };
    let entries = match std::fs::read_dir(folder) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unread)?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = paths.collect::<Result<_, _>>().map_err(unread)?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"));
    paths.sort();
    Ok(paths)
}
