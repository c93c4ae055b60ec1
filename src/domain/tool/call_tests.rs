//! A permit for tests of whatever makes calls: elsewhere only the gate of the runs gives one.

use super::call::Permit;
use super::{Action, Tool, Values};
use std::sync::Arc;
use std::time::Duration;

/// Lets a call through that nobody has looked at.
pub(crate) fn permit(
    which: (Arc<Tool>, Arc<Action>),
    with: Values,
    (key, timeout): (&str, Duration),
) -> Permit {
    Permit::granted(which, with, (key.to_owned(), timeout))
}
