//! Who of the teams is in do-not-disturb, asked for many at once; only where the config means those who are available.

use crate::domain::ids::UserId;
use crate::slack::directory::Wanted;
use crate::slack::directory::memory::EVERY;
use crate::slack::directory::reading::Pass;
use crate::slack::reach::Quiet;
use serde_json::{Value, json};

/// `dnd.teamInfo` takes so many people.
const AT_ONCE: usize = 50;
/// So many calls of a method of tier 2 (20 a minute); whoever is beyond counts as available.
const CALLS: usize = 10;

impl Pass<'_> {
    pub(super) async fn quiet(&mut self, wanted: &Wanted) {
        if !wanted.available || !self.memory.quiet.is_due(EVERY) {
            return;
        }
        self.memory.quiet.asked();
        let people: Vec<UserId> = self.memory.needed().into_iter().collect();
        for some in people.chunks(AT_ONCE).take(CALLS) {
            let users = some.iter().map(|user| user.as_str()).collect::<Vec<_>>().join(",");
            let Ok(answer) = self.ask("dnd.teamInfo", json!({"users": users})).await else {
                return;
            };
            let now = self.now_seconds();
            for (user, told) in answer.get("users").and_then(Value::as_object).into_iter().flatten()
            {
                if let Some(person) = self.memory.told.people.get_mut(&UserId::new(user.as_str())) {
                    person.do_not_disturb = Quiet::read(told).holds(now);
                }
            }
        }
    }
}
