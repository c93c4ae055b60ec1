//! The house's rules, read from the text of `src/`: who may import whom, and what may only stand in one place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each part may import of ours. Imports point inward; `app`, `cli` and `main` may import everything.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    // What reads the files that people write knows nothing of what stands in them.
    ("yaml", &[]),
    ("domain", &[]),
    ("clock", &["domain"]),
    ("fresh", &["domain"]),
    ("inbox", &["domain"]),
    ("metrics", &[]),
    ("certificate", &["domain"]),
    // Whether a certificate has expired wants a clock.
    ("config", &["domain", "clock", "certificate", "yaml", "connectors"]),
    ("playbooks", &["domain", "yaml"]),
    ("telemetry", &["config"]),
    ("store", &["domain", "clock"]),
    ("connectors", &["domain", "clock", "yaml"]),
    ("slack", &["domain", "clock", "inbox", "fresh"]),
    ("intake", &["domain", "clock", "inbox", "fresh", "certificate"]),
    ("control", &["domain", "clock", "inbox", "fresh", "intake"]),
    ("audit", &["domain", "clock", "store"]),
    ("engine", &["domain", "clock", "inbox", "fresh", "store", "slack", "connectors"]),
    // It speaks only Slack's wire protocol, so that it cannot share our mistakes.
    ("sim", &[]),
    // For the same reason it speaks only the vendors'.
    ("standins", &[]),
];
const ANYTHING: [&str; 4] = ["app", "cli", "main", "lib"];

/// What the heart never touches: no async, no I/O, no clock, no environment.
const NOT_IN_DOMAIN: [&str; 13] = [
    "tokio",
    "reqwest",
    "rusqlite",
    "slack_morphism",
    "axum",
    "hyper",
    "config::",
    "getrandom",
    "std::fs",
    "std::env",
    "TcpStream",
    "UdpSocket",
    "std::thread",
];

struct File {
    path: PathBuf,
    /// The part of the house: the first name under `src/`.
    part: String,
    /// Its code without comments, and without its `mod tests`.
    code: String,
    /// Whether all of it is a test.
    test: bool,
}

fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 30, "src/ was not found");
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).expect("a folder of src/") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let inside = path.strip_prefix(root).expect("inside src/").to_path_buf();
            let part = inside.components().next().expect("a name").as_os_str().to_string_lossy();
            let text = std::fs::read_to_string(&path).expect("a source file");
            let name = inside.to_string_lossy();
            let test = name.ends_with("tests.rs") || name.contains("/tests/");
            let part = part.trim_end_matches(".rs").to_owned();
            found.push(File { part, code: code(&text), test, path: inside });
        }
    }
}

/// The text without comment lines; what follows `#[cfg(test)] mod … {` at the file's end is not production code.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The parts of ours that a file names: `crate::store::…` and `crate::{store, …}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let preceded = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        let after = &code[at + "crate::".len()..];
        if preceded {
            continue;
        }
        match after.strip_prefix('{') {
            Some(list) => named.extend(heads(list)),
            None => named.extend(word(after)),
        }
    }
    named
}

/// The first word of each item of a braced list.
fn heads(list: &str) -> Vec<String> {
    let (mut depth, mut start, mut items) = (0, true, Vec::new());
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            letter if start && letter.is_alphabetic() => {
                items.extend(word(&list[at..]));
                start = false;
            }
            _ => {}
        }
    }
    items
}

fn word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// Says all breaches at once.
fn none(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

/// Where `words` stand outside of the files that `allowed` names.
fn found(words: &[&str], allowed: impl Fn(&File) -> bool) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in files().iter().filter(|file| !file.test && !allowed(file)) {
        for line in file.code.lines() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                breaches.push(format!("{}: {word}: {}", file.path.display(), line.trim()));
            }
        }
    }
    breaches
}

#[test]
fn imports_point_inward() {
    let mut breaches = Vec::new();
    for file in files().iter().filter(|file| !file.test) {
        if ANYTHING.contains(&file.part.as_str()) {
            continue;
        }
        let Some((_, may)) = MAY_IMPORT.iter().find(|(part, _)| *part == file.part) else {
            breaches.push(format!(
                "{}: give `{}` its row in MAY_IMPORT",
                file.path.display(),
                file.part
            ));
            continue;
        };
        for named in imports(&file.code) {
            let ours = MAY_IMPORT.iter().any(|(part, _)| *part == named)
                || ANYTHING.contains(&named.as_str());
            if ours && named != file.part && !may.contains(&named.as_str()) {
                breaches.push(format!("{} imports {named}", file.path.display()));
            }
        }
    }
    none("imports point inward", &breaches);
}

#[test]
fn imports_are_found_in_every_form() {
    let code = "use crate::store::{journal, open};\nlet x = crate::clock::Clock::real();\n\
                use crate::{inbox::{self, Item}, slack};\nuse not_crate::sim;\n";
    let named: Vec<_> = imports(code).into_iter().collect();
    assert_eq!(named, ["clock", "inbox", "slack", "store"]);
}

#[test]
fn the_heart_is_pure() {
    let breaches = found(&NOT_IN_DOMAIN, |file| file.part != "domain");
    none("no async, no I/O, no environment in domain/", &breaches);
}

#[test]
fn sql_stands_in_the_store_only() {
    let mut breaches = Vec::new();
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM ", "CREATE ", "PRAGMA ", "WITH "];
    for file in files().iter().filter(|file| !file.test && file.part != "store") {
        for (at, _) in file.code.match_indices('"') {
            let text = file.code[at + 1..].trim_start_matches(['\\', '\n', ' ']);
            if verbs.iter().any(|verb| text.starts_with(verb)) {
                let line = text.lines().next().unwrap_or_default();
                breaches.push(format!("{}: {line}", file.path.display()));
            }
        }
    }
    none("SQL stands in store/ only", &breaches);
}

/// Tokio's `Instant` may measure a pause in `slack`, `sim` and `standins`: paused test time moves it. Nothing else may tell the time.
#[test]
fn only_the_clock_knows_what_time_it_is() {
    let words = ["SystemTime", "std::time::Instant", "Timestamp::now", "Zoned::now"];
    let mut breaches = found(&words, |file| file.part == "clock");
    let imported = found(&["use std::time::{"], |file| file.part == "clock");
    breaches.extend(imported.into_iter().filter(|line| line.contains("Instant")));
    none("the time comes from clock.rs", &breaches);
    let breaches = found(&["Instant::now"], |file| {
        matches!(file.part.as_str(), "clock" | "slack" | "sim" | "standins")
    });
    none("the time comes from clock.rs", &breaches);
}

#[test]
fn the_environment_is_read_in_main_only() {
    let words = ["std::env", "env::var", "env::args", "env::current_dir"];
    let breaches = found(&words, |file| matches!(file.part.as_str(), "main" | "config"));
    let breaches: Vec<_> =
        breaches.into_iter().filter(|b| !b.contains("std::env::temp_dir")).collect();
    none("the environment is main's", &breaches);
}

#[test]
fn chance_comes_from_one_place() {
    let breaches = found(&["getrandom::", "rand::", "Ulid::new"], |file| file.part == "fresh");
    none("chance comes from fresh.rs", &breaches);
}

/// What a tool's action does to the world is believed by `Permit::read`, so only what has read and checked the file says it.
#[test]
fn only_a_checked_connector_file_says_what_a_tool_can_do() {
    let spec = Path::new("connectors").join("spec");
    let breaches = found(&["Actions::as_checked"], |file| file.path.starts_with(&spec));
    none("a tool's actions come from connectors/spec", &breaches);
}

/// A test builds the same app from other settings. So the only thing behind `cfg(test)` is a module of tests.
#[test]
fn production_code_does_not_know_that_it_is_tested() {
    let mut breaches = Vec::new();
    for file in files().iter().filter(|file| !file.test) {
        if file.code.contains("cfg!(test)") || file.code.contains("cfg(not(test))") {
            breaches.push(format!("{}: branches on test", file.path.display()));
        }
        for (at, marker) in file.code.match_indices("#[cfg(test)]") {
            let mut after = file.code[at + marker.len()..].lines().map(str::trim);
            let next = after.find(|line| !line.is_empty() && !line.starts_with("#["));
            let next = next.unwrap_or_default().trim_start_matches("pub(crate) ");
            if !(next.starts_with("mod ") && next.contains("test")) {
                breaches.push(format!("{}: {next}", file.path.display()));
            }
        }
    }
    none("only test modules stand behind cfg(test)", &breaches);
}

#[test]
fn every_metric_that_is_counted_is_described_and_no_other() {
    let described: BTreeSet<String> =
        vigie::metrics::TABLE.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let mut counted = BTreeSet::new();
    for file in files().iter().filter(|file| !file.test) {
        for macro_name in ["counter!(", "gauge!(", "histogram!("] {
            for after in file.code.split(macro_name).skip(1) {
                let literal =
                    after.trim_start().strip_prefix('"').and_then(|text| text.split('"').next());
                counted
                    .extend(literal.filter(|name| name.starts_with("vigie_")).map(str::to_owned));
            }
        }
    }
    assert_eq!(counted, described);
}
