//! The room for unfinished handshakes: whoever connects and says nothing makes way for who comes after.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// At once; fewer than the listener's connections, so that those who say nothing never have all of its places.
pub(super) const MOST: usize = 128;

/// Those under way. Clones share the room.
#[derive(Clone, Debug, Default)]
pub(super) struct Handshakes(Arc<Mutex<UnderWay>>);

#[derive(Debug, Default)]
struct UnderWay {
    next: u64,
    /// By age, the oldest first.
    turns: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A place in the room, for as long as it lives.
#[derive(Debug)]
pub(super) struct Turn {
    room: Handshakes,
    number: u64,
    taken: oneshot::Receiver<()>,
}

impl Handshakes {
    /// Takes a place, from the oldest where all are taken: an honest handshake is done within a moment.
    pub fn begin(&self) -> Turn {
        let mut under_way = self.lock();
        if under_way.turns.len() >= MOST {
            under_way.turns.pop_first();
        }
        let (keep, taken) = oneshot::channel();
        let number = under_way.next;
        under_way.next += 1;
        under_way.turns.insert(number, keep);
        Turn { room: self.clone(), number, taken }
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Returns when another has taken the place.
    pub async fn taken(&mut self) {
        // Nothing is ever sent: the sender goes with the place.
        let _ = (&mut self.taken).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.room.lock().turns.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn where_all_places_are_taken_the_oldest_makes_way_and_a_place_given_back_is_free() {
        let room = Handshakes::default();
        let mut turns: Vec<_> = (0..MOST).map(|_| room.begin()).collect();
        assert!(turns[0].taken().now_or_never().is_none(), "there is room for all of them");
        let mut last = room.begin();
        assert!(turns[0].taken().now_or_never().is_some(), "the oldest makes way");
        drop(turns.remove(1));
        let _another = room.begin();
        assert!(turns[1].taken().now_or_never().is_none(), "a place was free");
        assert!(last.taken().now_or_never().is_none());
    }
}
