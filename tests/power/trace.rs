//! Reads what strace wrote down of the real process: its writes, syncs and sends, in the order in which they happened.

use std::collections::HashMap;

/// What the process did, as far as a power loss is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Cut {
        file: String,
        length: usize,
    },
    Gone {
        file: String,
    },
    /// What is gone from the folder, or new in it, is so for good.
    FolderSynced,
    /// A sync covers what was written before it began, and can be relied on from its end.
    SyncBegins {
        file: String,
    },
    SyncEnds {
        file: String,
    },
    /// A webhook's 202 leaves; the alerts that it names.
    Answered {
        alerts: Vec<String>,
    },
    /// A click's acknowledgement leaves.
    Acknowledged {
        envelope: String,
    },
}

/// The system calls that are wanted.
pub const CALLS: &str = "pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,unlink,unlinkat,rename,write,writev,sendto,sendmsg";

/// The files whose content matters: the rest (the lock, the shared memory) says nothing after a power loss.
const FILES: [&str; 3] = ["vigie.db", "vigie.db-wal", "vigie.db-journal"];

/// Reads a log of `strace -f -y -xx`, where all strings are hexadecimal and nothing in them can be taken for syntax. `folder`
/// is where the database is.
pub fn read(log: &str, folder: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    // The syncs that have not come back, by thread.
    let mut syncing: HashMap<&str, String> = HashMap::new();
    for line in log.lines() {
        let (thread, call) = line.split_once(' ').expect("a thread's number, then its call");
        let call = call.trim_start();
        if let Some(resumed) = call.strip_prefix("<... ") {
            match syncing.remove(thread) {
                Some(file) if resumed.contains("sync resumed") => {
                    steps.extend(synced(file, resumed));
                }
                _ => assert!(!resumed.starts_with("pwrite") || !resumed.contains("= -1"), "{line}"),
            }
            continue;
        }
        let Some((name, arguments)) = call.split_once('(') else { continue };
        match name {
            "fsync" | "fdatasync" if path_of(arguments).as_deref() == Some(folder) => {
                steps.push(Step::FolderSynced);
            }
            "fsync" | "fdatasync" => {
                let Some(file) = file_of(arguments) else { continue };
                steps.push(Step::SyncBegins { file: file.clone() });
                if call.ends_with("<unfinished ...>") {
                    syncing.insert(thread, file);
                } else {
                    steps.extend(synced(file, call));
                }
            }
            "write" | "writev" | "sendto" | "sendmsg" => sent(arguments, &mut steps),
            _ => steps.extend(changed(name, arguments)),
        }
    }
    steps
}

/// A sync that came back; `= ?` is one in whose middle the process ended.
fn synced(file: String, line: &str) -> Option<Step> {
    assert!(line.ends_with("= 0") || line.ends_with("= ?"), "a sync failed: {line}");
    line.ends_with("= 0").then_some(Step::SyncEnds { file })
}

/// A change of one of the files.
fn changed(name: &str, arguments: &str) -> Option<Step> {
    let file = file_of(arguments)?;
    Some(match name {
        "pwrite64" => {
            let bytes = strings(arguments).next().expect("what is written");
            let (_, rest) = arguments.rsplit_once('"').expect("the string ends");
            let numbers = numbers(rest);
            let [length, at] = numbers[..2] else { panic!("length and place: {rest}") };
            assert_eq!(length, bytes.len(), "the log holds all that was written");
            assert!(
                numbers.get(2).is_none_or(|written| *written == length),
                "half written: {rest}"
            );
            Step::Write { file, at, bytes }
        }
        "ftruncate" => {
            let (_, rest) = arguments.split_once(">, ").expect("a length");
            Step::Cut { file, length: numbers(rest)[0] }
        }
        "unlink" | "unlinkat" => Step::Gone { file },
        other => panic!("a call that no image would show: {other}"),
    })
}

/// What left through a socket: answers to webhooks, and acknowledgements (text frames, masked as a client must).
fn sent(arguments: &str, steps: &mut Vec<Step>) {
    if !path_of(arguments).is_some_and(|path| path.starts_with("socket:")) {
        return;
    }
    let bytes: Vec<u8> = strings(arguments).flatten().collect();
    if bytes.starts_with(b"HTTP/1.1 202") {
        let text = String::from_utf8_lossy(&bytes);
        let alerts = text.split("alr_").skip(1).map(|rest| format!("alr_{}", &rest[..26]));
        steps.push(Step::Answered { alerts: alerts.collect() });
    }
    let mut rest = &bytes[..];
    while let Some((text, after)) = frame(rest) {
        if let Some((_, id)) = text.split_once(r#""envelope_id":""#) {
            let envelope = id.split('"').next().expect("an id").to_owned();
            steps.push(Step::Acknowledged { envelope });
        }
        rest = after;
    }
}

/// The first WebSocket frame of `bytes`, if one begins there, and what follows it (RFC 6455, 5.2).
fn frame(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    if first & 0xf0 != 0x80 || second & 0x80 == 0 {
        return None;
    }
    let (length, rest) = match second & 0x7f {
        126 => {
            rest.split_first_chunk::<2>().map(|(n, rest)| (u16::from_be_bytes(*n).into(), rest))?
        }
        127 => return None,
        short => (usize::from(short), rest),
    };
    let (mask, rest) = rest.split_first_chunk::<4>()?;
    let (masked, after) = rest.split_at_checked(length)?;
    let plain: Vec<u8> =
        masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((String::from_utf8_lossy(&plain).into_owned(), after))
}

fn file_of(arguments: &str) -> Option<String> {
    let path = path_of(arguments)?;
    let name = path.rsplit('/').next()?;
    FILES.contains(&name).then(|| name.to_owned())
}

/// The path behind a descriptor (`4<\x2f…>`), or the one that is named itself.
fn path_of(arguments: &str) -> Option<String> {
    let hex = match arguments.split_once('<') {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            rest.split_once('>')?.0
        }
        _ => arguments.split('"').nth(1)?,
    };
    String::from_utf8(bytes(hex)).ok()
}

/// What stands between quotes.
fn strings(arguments: &str) -> impl Iterator<Item = Vec<u8>> {
    arguments.split('"').skip(1).step_by(2).map(bytes)
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).expect("two digits")).collect()
}

fn numbers(text: &str) -> Vec<usize> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}
