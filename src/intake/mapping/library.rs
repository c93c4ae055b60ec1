//! The mappings there are: those that we ship, embedded, and a folder's, which override and add by file name.

use super::{Mapping, Mistake, check};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every file of `sources/`, by name. This is the one place where they are embedded.
const SHIPPED: [(&str, &str); 2] = [
    ("alertmanager", include_str!("../../../sources/alertmanager.yaml")),
    ("generic", include_str!("../../../sources/generic.yaml")),
];

/// All mappings, by name.
#[derive(Clone, Debug)]
pub struct Mappings(BTreeMap<String, Arc<Mapping>>);

impl Mappings {
    /// Those that we ship.
    pub fn shipped() -> Self {
        let checked = SHIPPED.iter().map(|(name, text)| {
            let mapping = check::mapping(name, &format!("sources/{name}.yaml"), text);
            let mapping =
                mapping.unwrap_or_else(|mistake| panic!("shipped, and tested: {mistake}"));
            ((*name).to_owned(), Arc::new(mapping))
        });
        Self(checked.collect())
    }

    /// Those that we ship, and over them the `*.yaml` of a folder. A folder that is not there is an empty one.
    ///
    /// Every mistake of every file is told, in the order of the files.
    pub fn load(folder: &Path) -> Result<Self, Vec<Mistake>> {
        let mut all = Self::shipped();
        let mut mistakes = Vec::new();
        for path in Self::files(folder)? {
            let file = path.display().to_string();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text =
                std::fs::read_to_string(&path).map_err(|error| vec![unread(&file, &error)])?;
            match check::mapping(&name, &file, &text) {
                Ok(mapping) => {
                    all.0.insert(name, Arc::new(mapping));
                }
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if mistakes.is_empty() { Ok(all) } else { Err(mistakes) }
    }

    /// The mappings' files in a folder, sorted.
    pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Vec<Mistake>> {
        let name = folder.display().to_string();
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(vec![unread(&name, &error)]),
            Ok(entries) => entries,
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths: Vec<_> =
            paths.collect::<Result<_, _>>().map_err(|error| vec![unread(&name, &error)])?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"));
        paths.sort();
        Ok(paths)
    }

    /// The mapping of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Mapping>> {
        self.0.get(name)
    }

    /// Every name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }
}

fn unread(file: &str, error: &std::io::Error) -> Mistake {
    Mistake { file: file.to_owned(), place: None, what: format!("cannot be read: {error}") }
}
