//! The only place where chance comes from: new ids and keys. The domain gets them as values, in its inputs.

use crate::domain::ids::{AlertId, RunId};
use crate::domain::time::Timestamp;
use ulid::Ulid;

/// Random bytes, for salts and keys.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut random = [0; N];
    getrandom::fill(&mut random).expect("the operating system has randomness once it has booted");
    random
}

/// A new ULID: `now` in its first 48 bits, 80 random ones after it, as 26 upper-case characters.
pub fn ulid(now: Timestamp) -> String {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    Ulid::from_parts(millis, u128::from_le_bytes(bytes())).to_string()
}

/// The id that an alert gets if it turns out to be a new one.
pub fn alert_id(now: Timestamp) -> AlertId {
    AlertId::new(format!("alr_{}", ulid(now)))
}

/// The id that a run gets if it is planned.
pub fn run_id(now: Timestamp) -> RunId {
    RunId::new(format!("run_{}", ulid(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unlike_and_sort_by_time() {
        let (early, late) = (Timestamp::from_millis(1_000), Timestamp::from_millis(2_000));
        assert_ne!(ulid(early), ulid(early));
        assert!(ulid(early) < ulid(late));
        let id = alert_id(late);
        assert_eq!(AlertId::parse(id.as_str()), Some(id));
    }
}
