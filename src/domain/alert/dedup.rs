//! What makes two firings the same alert.

use crate::domain::alert::{Entities, State};
use crate::domain::ids::SourceName;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// SHA-256 over source and dedup key (each with its length, so that no two pairs meet), as 64 hex digits. A test alert
/// never meets a real one.
pub fn fingerprint(source: &SourceName, dedup_key: &str, test: bool) -> String {
    let mark = test.then_some("test");
    hex(&digest([source.as_str(), dedup_key].into_iter().chain(mark)))
}

/// The dedup key of an alert whose source gives neither key nor id: SHA-256 over source, title and sorted entities, hex.
pub fn default_key(source: &str, title: &str, entities: &Entities) -> String {
    let mut named: Vec<String> = entities
        .kinds()
        .into_iter()
        .flat_map(|(kind, values)| values.iter().map(move |value| format!("{kind}={value}")))
        .collect();
    named.sort();
    hex(&digest([source, title].into_iter().chain(named.iter().map(String::as_str))))
}

/// What a firing means, given the newest alert of the same fingerprint.
pub fn is_repeat_of(state: State) -> bool {
    match state {
        State::Open | State::Acknowledged => true,
        State::Resolved => false,
    }
}

fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_entities_does_not_matter_and_their_kind_does() {
        let entities = |hosts: &[&str], users: &[&str]| Entities {
            hosts: hosts.iter().map(|h| (*h).to_owned()).collect(),
            users: users.iter().map(|u| (*u).to_owned()).collect(),
            ..Entities::default()
        };
        let key = |e: &Entities| default_key("edr", "Malware", e);
        assert_eq!(key(&entities(&["a", "b"], &[])), key(&entities(&["b", "a"], &[])));
        assert_ne!(key(&entities(&["a"], &[])), key(&entities(&[], &["a"])));
        assert_ne!(fingerprint(&"a".into(), "bc", false), fingerprint(&"ab".into(), "c", false));
        assert_ne!(fingerprint(&"a".into(), "b", true), fingerprint(&"a".into(), "b", false));
    }
}
