//! `vigie init`: the real binary in folders of its own.

use crate::process::{code_and_words, vigie};
use std::path::Path;

fn init(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let args = [&["init"], args].concat();
    code_and_words(&vigie(folder, &args).env("TZ", "Asia/Tokyo").output().expect("it runs"))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn without_a_terminal_flags_and_defaults_make_a_config_that_check_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags =
        ["--dir", "my soc", "--channel", "sec", "--source", "edr-1", "--lead", "lea@example.com"];
    let args = [&["init"], &flags[..]].concat();
    let done = vigie(folder.path(), &args).env("TZ", "Asia/Tokyo").output().expect("it runs");
    let told = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{}", code_and_words(&done).1);
    assert!(told.contains("cd 'my soc' && cp -n .env.example .env"), "{told}");
    let dir = folder.path().join("my soc");
    assert_eq!(names(&dir), [".env.example", "slack-manifest.yaml", "vigie.yaml"]);
    let config = std::fs::read_to_string(dir.join("vigie.yaml")).expect("there");
    for line in ["channel: \"#sec\"", "timezone: \"Asia/Tokyo\"", "env: EDR_1_HOOK_TOKEN"] {
        assert!(config.contains(line), "{line} in {config}");
    }
    let args = ["check", "--without-secrets", "--strict"];
    let checked = vigie(&dir, &args).output().expect("it runs");
    assert_eq!(checked.status.code(), Some(0), "{}", code_and_words(&checked).1);
}

#[test]
fn without_a_lead_it_says_who_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = vigie(folder.path(), &["init"]).output().expect("it runs");
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(told.contains("Nobody is the lead yet"), "{told}");
    let checked = vigie(folder.path(), &["check", "--without-secrets"]).output().expect("it runs");
    assert_eq!(checked.status.code(), Some(0), "{}", code_and_words(&checked).1);
}

#[test]
fn nothing_is_written_over_and_half_a_set_is_not_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("vigie.yaml");
    std::fs::write(&config, "mine").expect("written");
    std::os::unix::fs::symlink("nowhere", folder.path().join(".env.example")).expect("a link");
    let (code, words) = init(folder.path(), &["--yes"]);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains(". has vigie.yaml and .env.example already"), "{words}");
    assert!(words.contains("--dir ANOTHER"), "{words}");
    assert_eq!(names(folder.path()), [".env.example", "vigie.yaml"]);
    assert_eq!(std::fs::read_to_string(config).expect("there"), "mine");
}

#[test]
fn a_bad_flag_is_refused_with_its_reason_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    for (flag, said, why) in [
        ("--timezone", "Europe/Pari", "did you mean `Europe/Paris`?"),
        ("--channel", "@alice", "is a person, not a channel"),
        ("--source", "My\nSIEM: {", "is no name for a source"),
        ("--lead", "a b", "is no person"),
    ] {
        let (code, words) = init(folder.path(), &[flag, said]);
        assert_eq!(code, Some(2), "{words}");
        assert!(words.contains(flag) && words.contains(why), "{words}");
    }
    assert!(names(folder.path()).is_empty());
}
