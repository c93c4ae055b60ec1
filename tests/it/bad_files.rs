//! One bad file per mistake, of whatever kind of file. Its first lines are what is said of it: `# expect: LINE:COLUMN: message`,
//! each with `# hint: …` after it where there is one.

use std::path::{Path, PathBuf};
use vigie::yaml::Problem;

/// What is said of a text that stands in a file of this name.
pub struct Kind<'a> {
    /// The folder in `tests/data`.
    pub folder: &'static str,
    pub file: &'static str,
    pub read: &'a dyn Fn(&str) -> Vec<Problem>,
}

/// The bad files of a folder in `tests/data`, by name.
pub fn of(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder).join("bad");
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let text = |path: &PathBuf| std::fs::read_to_string(path).expect("a bad file");
    files.into_iter().map(|path| (path.clone(), text(&path))).collect()
}

impl Kind<'_> {
    /// Of each file is said what it expects, and nothing else. To write the expected lines anew:
    /// `VIGIE_WRITE_DATA=1 cargo test --test it each_mistake`.
    pub fn each_is_told_as_expected(&self) {
        let mut wrong = String::new();
        let files = of(self.folder);
        assert!(files.len() >= 40, "{} files", files.len());
        for (path, text) in files {
            let wanted: String =
                text.lines().take_while(head).map(|line| format!("{line}\n")).collect();
            let said = self.said(&text);
            if said != wanted || said.is_empty() {
                wrong.push_str(&format!("== {}\n{said}", path.display()));
            }
            if std::env::var_os("VIGIE_WRITE_DATA").is_some() {
                self.write_anew(&path, &text);
            }
        }
        assert!(wrong.is_empty(), "said otherwise than expected:\n{wrong}");
    }

    fn said(&self, text: &str) -> String {
        (self.read)(text).iter().map(|problem| self.told(problem)).collect()
    }

    fn told(&self, problem: &Problem) -> String {
        let headline = problem.headline();
        let place = headline.strip_prefix(self.file).and_then(|rest| rest.strip_prefix(':'));
        let hint = problem.hint.iter().map(|hint| format!("# hint: {hint}\n")).collect::<String>();
        format!("# expect: {}\n{hint}", place.unwrap_or(&headline).trim())
    }

    /// As many lines in front as there will be: the places move with them.
    fn write_anew(&self, path: &Path, text: &str) {
        let body: String = text.lines().skip_while(head).map(|line| format!("{line}\n")).collect();
        let moved = format!("{}{body}", self.said(&body));
        std::fs::write(path, format!("{}{body}", self.said(&moved))).expect("written");
    }
}

fn head(line: &&str) -> bool {
    line.starts_with("# expect: ") || line.starts_with("# hint: ")
}
