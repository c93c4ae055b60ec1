//! One bad file a mistake, each with what is said of it.

use crate::connectors::spec;
use std::path::Path;

/// The first lines of a bad file are `# expect: LINE:COLUMN: message`, each with `# hint: …` after it where there is one.
#[test]
fn each_mistake_is_told_with_its_place_and_the_way_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/connectors/bad");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 30, "{}", files.len());
    let mut wrong = String::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a bad file");
        let wanted: String = text
            .lines()
            .take_while(|line| line.starts_with("# expect: ") || line.starts_with("# hint: "))
            .map(|line| format!("{line}\n"))
            .collect();
        let problems = spec::read("edr", "edr.yaml", &text).err().unwrap_or_default();
        let said: String = problems
            .iter()
            .map(|problem| {
                let headline = problem.headline();
                let headline = headline.strip_prefix("edr.yaml:").unwrap_or(&headline);
                let hint = problem.hint.iter().map(|hint| format!("# hint: {hint}\n"));
                format!("# expect: {}\n{}", headline.trim(), hint.collect::<String>())
            })
            .collect();
        if said != wanted || said.is_empty() {
            wrong.push_str(&format!("== {}\n{said}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "said otherwise than expected:\n{wrong}");
}
