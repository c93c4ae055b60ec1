//! The real binary: exit codes, signals, and what it leaves behind.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const CONFIG: &str = "roles: {analyst: {users: [alice@example.com]}}\n\
    sources: {s: {type: generic, auth: none}}\n\
    routes: [{name: everything}]\n\
    http: {listen: 127.0.0.1:0}\n";
const PAYLOAD: &str = "{\"title\": \"Malware\"}";

/// The binary in this folder, with nothing of our own environment.
pub fn vigie(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
    command.args(args).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("SLACK_BOT_TOKEN", "xoxb-bot").env("SLACK_APP_TOKEN", "xapp-app");
    command.env("SLACK_API_URL", "http://127.0.0.1:1/api/").env("TMPDIR", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A folder with a good config and a payload.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("vigie.yaml"), CONFIG).expect("written");
    std::fs::write(folder.path().join("payload.json"), PAYLOAD).expect("written");
    folder
}

pub fn code_and_words(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A process that runs on; it is killed where a test leaves it.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("it starts"))
    }

    pub fn stderr(&mut self) -> std::process::ChildStderr {
        self.0.stderr.take().expect("piped")
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("kill is there");
        assert!(status.success());
    }

    /// The rest of a stream's line that holds this word; what came before is read away.
    pub fn says(stream: &mut impl BufRead, word: &str) -> String {
        let mut all = String::new();
        loop {
            let start = all.len();
            let read = stream.read_line(&mut all).expect("text");
            assert!(read > 0, "{word:?} was not said in:\n{all}");
            if let Some((_, rest)) = all[start..].split_once(word) {
                return rest.trim().to_owned();
            }
        }
    }

    pub fn ends(&mut self) -> Option<i32> {
        for _ in 0..1000 {
            if let Some(status) = self.0.try_wait().expect("waited for") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn the_demo_cleans_up_however_it_is_ended_and_finds_a_free_port() {
    let folder = folder();
    let start = || {
        let mut demo = Running::start(&mut vigie(folder.path(), &["demo", "--no-open"]));
        let mut told = BufReader::new(demo.0.stdout.take().expect("piped"));
        let page = Running::says(&mut told, "the page");
        (demo, told, page)
    };
    let scratches = || {
        let entries = std::fs::read_dir(folder.path()).expect("the folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name.to_string_lossy().starts_with("vigie-demo")).count()
    };
    let (mut first, mut heard, page) = start();
    let (mut second, mut also_heard, other) = start();
    assert_ne!(page, other);
    assert_eq!(scratches(), 2);

    let port = page.trim_end_matches('/').rsplit(':').next().expect("a port");
    let taken = vigie(folder.path(), &["demo", "--no-open", "--port", port]).output();
    let (code, words) = code_and_words(&taken.expect("it runs"));
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains(port) && words.contains("because: Address already in use"), "{words}");

    for (demo, told, signal) in
        [(&mut first, &mut heard, "TERM"), (&mut second, &mut also_heard, "HUP")]
    {
        demo.signal(signal);
        std::io::copy(told, &mut std::io::sink()).expect("read to its end");
        assert_eq!(demo.ends(), Some(0), "{signal}");
    }
    assert_eq!(scratches(), 0, "nothing is left");
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let folder = folder();
    let alerts = format!("[{}]", vec![PAYLOAD; 5000].join(","));
    std::fs::write(folder.path().join("payload.json"), alerts).expect("written");
    let mut test = Running::start(&mut vigie(
        folder.path(),
        &["source", "test", "payload.json", "--source", "generic"],
    ));
    drop(test.0.stdout.take());
    let mut words = String::new();
    let mut stderr = test.0.stderr.take().expect("piped");
    stderr.read_to_string(&mut words).expect("text");
    assert_eq!((test.ends(), words.as_str()), (Some(0), ""));
}

#[test]
fn a_payload_can_be_tried_beside_a_broken_config_that_nobody_named() {
    let folder = folder();
    std::fs::write(folder.path().join("vigie.yaml"), "roles: {\n").expect("written");
    let args = ["source", "test", "payload.json", "--source", "generic"];
    let tried = vigie(folder.path(), &args).output().expect("it runs");
    let (code, words) = code_and_words(&tried);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.starts_with("warning: ") && words.contains("vigie.yaml"), "{words}");
    let named = [&args[..], &["--config", "vigie.yaml"]].concat();
    let tried = vigie(folder.path(), &named).output().expect("it runs");
    assert_eq!(tried.status.code(), Some(2));
}

#[test]
fn a_variable_that_names_no_setting_is_warned_of_and_a_mistake_where_check_is_strict() {
    let folder = folder();
    // The source is open to anybody, which is a warning of its own.
    let config = CONFIG.replace("auth: none", "auth: {bearer: {env: TOKEN}}");
    std::fs::write(folder.path().join("vigie.yaml"), config).expect("written");
    for (name, value, args, expected) in [
        ("VIGIE__HTTP__LISEN", "x", &["check"][..], Some(0)),
        ("VIGIE__HTTP__LISEN", "x", &["check", "--strict"], Some(1)),
        ("VIGIE__HTTP__LISEN", "", &["check", "--strict"], Some(0)),
        ("VIGIE__HTTP__LISTEN", "127.0.0.1:0", &["check", "--strict"], Some(0)),
    ] {
        let mut check = vigie(folder.path(), args);
        let checked = check.env("TOKEN", "secret").env(name, value).output().expect("it runs");
        let (code, words) = code_and_words(&checked);
        assert_eq!(code, expected, "{name}={value} {args:?}: {words}");
        let warned = name == "VIGIE__HTTP__LISEN" && !value.is_empty();
        assert_eq!(words.contains("did you mean VIGIE__HTTP__LISTEN?"), warned, "{words}");
    }
}
