//! Nobody says something without record while the notes are folded in, and nothing is folded in while somebody says something.

use super::*;

fn ledger() -> Ledger {
    let ledger = Ledger::in_memory(Clock::steady(Timestamp::from_millis(1000)));
    ledger.begin(&rusqlite::Error::InvalidQuery);
    ledger
}

#[tokio::test]
async fn while_a_message_is_under_way_nothing_is_folded_in_and_then_none_begins() {
    let ledger = ledger();
    let trouble = ledger.trouble();
    let under_way = ledger.enter(trouble).expect("the store does not write");
    assert!(ledger.close().is_none(), "a message is under way");
    assert!(ledger.enter(trouble).is_none(), "the notes are about to be folded in");
    drop(under_way);
    assert!(ledger.close().is_some_and(|notes| notes.is_empty()));
    assert!(ledger.enter(trouble).is_none(), "they are being written");
    ledger.reopen();
    assert!(ledger.enter(trouble).is_some(), "they could not be written");
    ledger.end(&[]);
    assert!(ledger.enter(trouble).is_none(), "the store writes");
}

#[tokio::test]
async fn nobody_goes_on_saying_what_belongs_to_an_earlier_trouble() {
    let ledger = ledger();
    let first = ledger.trouble();
    assert!(ledger.enter(None).is_none());
    ledger.end(&[]);
    ledger.begin(&rusqlite::Error::InvalidQuery);
    assert!(ledger.enter(first).is_none());
    assert!(ledger.enter(ledger.trouble()).is_some());
}

#[tokio::test]
async fn a_note_is_folded_in_once_unless_the_store_refuses_it_for_itself() {
    let ledger = ledger();
    let whose = Whose::Alert("alr_01JDGQ5R6ZK3V8W9XACEGHJKMN".into());
    let posted = |ts: &str| Posted { channel: "C1".into(), ts: ts.into() };
    for ts in ["1.1", "1.2"] {
        let note = Note::Shown { whose: whose.clone(), posted: posted(ts) };
        ledger.note(Timestamp::from_millis(1000), note).await;
    }
    let notes = ledger.close().expect("none is under way");
    let keys: Vec<_> = notes.iter().filter_map(|note| note.key.clone()).collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1], "each is itself");
    ledger.end(&keys[1..]);
    assert!(!ledger.has_business(), "what was refused is not tried again before the next start");
    assert!(ledger.close().is_some_and(|notes| notes.is_empty()));
}
