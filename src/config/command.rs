//! A secret that a program prints: bounded in time and in bytes, whatever the program leaves behind.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// What it may print.
const MOST: usize = 64 * 1024;

/// What a program prints; it ends well, within ten seconds. The words of a failure begin with what failed.
pub(super) fn output(words: &[&str]) -> Result<String, String> {
    within(PATIENCE, words)
}

fn within(patience: Duration, words: &[&str]) -> Result<String, String> {
    let program = words[0];
    let mut child = Command::new(program)
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        // A group of its own, so that what it starts can be ended with it.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("the command {program} cannot be started: {error}"))?;
    let printed = reading(&mut child);
    let done = wait(&mut child, &printed, patience);
    if done.is_err() {
        end(&mut child);
    }
    done.map_err(|why| format!("the command {program} {why}"))
}

type Printed = std::io::Result<Vec<u8>>;

/// Reads on a thread of its own: a program that waits for a full pipe would never end, and one that has ended may leave
/// another behind that keeps the pipe open.
fn reading(child: &mut Child) -> Receiver<Printed> {
    let (sender, printed) = mpsc::channel();
    if let Some(out) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = out.take(MOST as u64 + 1).read_to_end(&mut bytes);
            // Nobody waits any more where the time is over.
            let _ = sender.send(read.map(|_| bytes));
        });
    }
    printed
}

fn wait(
    child: &mut Child,
    printed: &Receiver<Printed>,
    patience: Duration,
) -> Result<String, String> {
    let (mut text, mut status) = (None, None);
    for _ in 0..patience.as_millis() / LOOK.as_millis() {
        if text.is_some() {
            std::thread::sleep(LOOK);
        } else {
            text = match printed.recv_timeout(LOOK) {
                Ok(read) => Some(whole(read)?),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(String::new()),
            };
        }
        if status.is_none() {
            status = child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))?;
        }
        match (&text, status) {
            (_, Some(status)) if !status.success() => return Err(format!("failed ({status})")),
            (Some(text), Some(_)) => return Ok(text.clone()),
            _ => {}
        }
    }
    Err(late(status, patience))
}

fn whole(read: Printed) -> Result<String, String> {
    let bytes = read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() > MOST {
        return Err("printed more than 64 KiB: a secret is shorter".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "printed what is not UTF-8".to_owned())
}

fn late(status: Option<ExitStatus>, patience: Duration) -> String {
    let seconds = patience.as_secs();
    match status {
        None => format!("did not end within {seconds} s"),
        Some(_) => {
            format!("ended, but something that it started keeps its output open after {seconds} s")
        }
    }
}

/// Ends the program and what it started. Only a call that Rust holds unsafe could signal the group from here, so `kill`
/// does it; where there is none, the program itself is ended.
fn end(child: &mut Child) {
    let group = format!("-{}", child.id());
    let quiet = Stdio::null;
    let _ = Command::new("kill")
        .args(["-KILL", "--", &group])
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .status();
    let _ = child.kill().and_then(|()| child.wait());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Result<String, String> {
        output(&["sh", "-c", script])
    }

    #[test]
    fn a_program_prints_its_secret_and_may_print_much() {
        assert_eq!(sh("echo hunter2"), Ok("hunter2\n".to_owned()));
        let long = sh("head -c 65536 /dev/zero | tr '\\0' x").expect("as much as a pipe holds");
        assert_eq!(long.len(), MOST);
    }

    #[test]
    fn what_goes_wrong_is_said() {
        assert_eq!(sh("exit 3"), Err("the command sh failed (exit status: 3)".to_owned()));
        let more = sh("head -c 200000 /dev/zero; sleep 60");
        let said = "the command sh printed more than 64 KiB: a secret is shorter";
        assert_eq!(more, Err(said.to_owned()));
        let said = "the command sh printed what is not UTF-8";
        assert_eq!(sh("printf '\\377'"), Err(said.to_owned()));
        let none = output(&["/nonexistent/pass"]).expect_err("there is none");
        assert!(none.starts_with("the command /nonexistent/pass cannot be started: "), "{none}");
    }

    #[test]
    fn what_it_leaves_behind_neither_holds_us_up_nor_lives_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("alive");
        let child = format!("(sleep 2; touch {})", mark.display());
        let second = |script: &str| within(Duration::from_secs(1), &["sh", "-c", script]);
        let said =
            "the command sh ended, but something that it started keeps its output open after 1 s";
        assert_eq!(second(&format!("{child} & echo hunter2")), Err(said.to_owned()));
        let said = "the command sh did not end within 1 s";
        assert_eq!(second(&format!("echo hunter2; {child}; true")), Err(said.to_owned()));
        std::thread::sleep(Duration::from_secs(2));
        assert!(!mark.exists(), "it was ended too");
    }
}
