//! Who belongs to the organisation, who works in the repository, and who is blocked.

use super::{GitHub, refused};
use crate::standins::wire::Answer;
use serde_json::json;

/// 204 for yes, 404 for no.
fn yes_or_no(yes: bool) -> Answer {
    if yes { Answer::empty(204) } else { refused(404, "Not Found") }
}

/// Takes a name off a list; whether it stood there.
fn take(list: &mut Vec<String>, who: &str) -> bool {
    let before = list.len();
    list.retain(|name| !name.eq_ignore_ascii_case(who));
    list.len() < before
}

fn has(list: &[String], who: &str) -> bool {
    list.iter().any(|name| name.eq_ignore_ascii_case(who))
}

impl GitHub {
    pub(super) fn check_collaborator(&self, who: &str) -> Answer {
        yes_or_no(has(&self.collaborators, who))
    }

    /// 204 for who was none, too.
    pub(super) fn remove_collaborator(&mut self, who: &str) -> Answer {
        match take(&mut self.collaborators, who) {
            true => Answer::empty(204).did(format!("remove collaborator {who}")),
            false => Answer::empty(204),
        }
    }

    pub(super) fn check_member(&self, who: &str) -> Answer {
        yes_or_no(has(&self.members, who))
    }

    pub(super) fn membership(&self, who: &str) -> Answer {
        match has(&self.members, who) {
            true => Answer::json(
                200,
                json!({"state": "active", "role": "member", "user": Self::user(who), "organization": {"login": self.org}}),
            ),
            false => refused(404, "Not Found"),
        }
    }

    /// Who leaves the organisation leaves its repositories too.
    pub(super) fn remove_member(&mut self, who: &str) -> Answer {
        if !take(&mut self.members, who) {
            return refused(404, "Not Found");
        }
        take(&mut self.collaborators, who);
        Answer::empty(204).did(format!("remove member {who}"))
    }

    pub(super) fn check_blocked(&self, who: &str) -> Answer {
        yes_or_no(has(&self.blocked, who))
    }

    pub(super) fn block(&mut self, who: &str) -> Answer {
        if has(&self.blocked, who) {
            return refused(422, "Blocked user has already been blocked");
        }
        self.blocked.push(who.to_owned());
        Answer::empty(204).did(format!("block {who}"))
    }

    pub(super) fn unblock(&mut self, who: &str) -> Answer {
        match take(&mut self.blocked, who) {
            true => Answer::empty(204).did(format!("unblock {who}")),
            false => refused(404, "Not Found"),
        }
    }
}
