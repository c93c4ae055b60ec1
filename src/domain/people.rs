//! Who acts and who can be told: people as Slack knows them, and the roles that the config gives them.

use crate::domain::alert::words;
use crate::domain::ids::*;
use crate::domain::names::Names;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Who did it. In the store: a bare Slack user id, `system`, `source:NAME` or `os:NAME`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Actor {
    Person(UserId),
    System,
    Source(SourceName),
    Os(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(user) => write!(f, "{user}"),
            Self::System => f.write_str("system"),
            Self::Source(name) => write!(f, "source:{name}"),
            Self::Os(name) => write!(f, "os:{name}"),
        }
    }
}

impl Actor {
    /// Whether it is somebody, in Slack or at the machine, and neither a source nor we ourselves.
    pub fn is_somebody(&self) -> bool {
        match self {
            Self::Person(_) | Self::Os(_) => true,
            Self::System | Self::Source(_) => false,
        }
    }

    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some(("source", name)) => Self::Source(name.into()),
            Some(("os", name)) => Self::Os(name.to_owned()),
            _ if text == "system" => Self::System,
            _ => Self::Person(text.into()),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// The roles someone held at a moment. In the store: sorted, comma-separated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(pub BTreeSet<RoleName>);

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(RoleName::as_str).collect::<Vec<_>>().join(","))
    }
}

impl Roles {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').filter(|name| !name.is_empty()).map(RoleName::from).collect())
    }
}

/// The way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    Button,
    Modal,
    Slash,
    Shortcut,
    Home,
    Reaction,
    Cli,
    Webhook,
    Timer,
}

words! {
    Surface {
        Button = "button", Modal = "modal", Slash = "slash", Shortcut = "shortcut", Home = "home",
        Reaction = "reaction", Cli = "cli", Webhook = "webhook", Timer = "timer",
    }
}

/// One person as Slack describes them; what Slack did not tell is `None` or false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The handle, without `@`.
    pub name: String,
    pub email: Option<String>,
    pub workspace: Option<WorkspaceId>,
    /// A single- or multi-channel guest.
    pub guest: bool,
    pub bot: bool,
    pub deactivated: bool,
    pub do_not_disturb: bool,
}

/// Who is in a user group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    Known(BTreeSet<UserId>),
    /// Slack cannot tell (no answer yet, no scope, an error): what is dangerous is refused, paging goes on.
    Unknown,
}

/// What Slack has told of the workspace, as of the last refresh. A value in `decide`'s context, never asked for there.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub workspace: Option<WorkspaceId>,
    pub enterprise: Option<EnterpriseId>,
    /// The workspace's own address: `https://acme.slack.com/`.
    pub address: Option<String>,
    pub people: BTreeMap<UserId, Person>,
    /// By user group id.
    pub groups: BTreeMap<UsergroupId, Membership>,
    /// User groups by handle, without `@`.
    pub group_names: BTreeMap<String, UsergroupId>,
    /// Channels by name, without `#`.
    pub channel_names: BTreeMap<String, ChannelId>,
    /// What the config's names meant first: it goes on when a channel or person is renamed, and when another takes the name.
    pub names: Names,
}

/// A person, group or channel as the config writes them: an id, an e-mail address, a handle (`@name`), a name.
macro_rules! reference {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
    )*};
}
reference! {
    /// `U0ALICE`, `alice@example.com`, `@alice`.
    UserRef;
    /// `S0BLUE`, `@blue-team`.
    UsergroupRef;
    /// `C0SOC`, `#soc-alerts`.
    ChannelRef;
}

impl UserRef {
    /// Whether it is a Slack id.
    pub fn is_id(&self) -> bool {
        is_slack_id(&self.0, &['U', 'W'])
    }

    /// Whether it is an e-mail address; what is neither that nor an id is a handle, with `@` or without.
    pub fn is_email(&self) -> bool {
        self.0.trim_start_matches('@').contains('@')
    }

    /// Whether this person has that name or address, whoever they are.
    pub fn names(&self, person: &Person) -> bool {
        if self.is_email() {
            return person.email.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(&self.0));
        }
        person.name == self.0.trim_start_matches('@')
    }
}

impl ChannelRef {
    /// The id, where it is written as one.
    pub fn id(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| is_slack_id(text, &['C', 'G', 'D']))
    }
}

fn is_slack_id(text: &str, prefixes: &[char]) -> bool {
    text.len() >= 3
        && text.starts_with(prefixes)
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

impl Directory {
    /// The person meant; `None` where Slack has not told, or where several have that name.
    pub fn user(&self, written: &UserRef) -> Option<UserId> {
        if written.is_id() {
            return Some(written.0.as_str().into());
        }
        let first = self.names.user(written);
        // Anybody may take a handle that is free; an address is the organisation's to give to somebody else.
        if !written.is_email() && first.is_some() {
            return first.cloned();
        }
        let mut meant = self.meant(written);
        match (meant.next(), meant.next()) {
            (Some(user), None) => Some(user.clone()),
            (None, _) => first.filter(|user| !self.is_deactivated(user)).cloned(),
            (Some(_), Some(_)) => None,
        }
    }

    /// Everyone who could be meant by a name. Anybody may take a handle that is free: it means full members of ours only.
    pub fn meant<'a>(&'a self, written: &'a UserRef) -> impl Iterator<Item = &'a UserId> {
        let by_handle = !written.is_email();
        self.people
            .iter()
            .filter(move |(_, person)| written.names(person) && !person.deactivated)
            .filter(move |(_, person)| !by_handle || self.is_full_member(person))
            .map(|(user, _)| user)
    }

    /// Whether two accounts are one person's: the same, or of the same address.
    pub fn is_same_person(&self, one: &UserId, other: &UserId) -> bool {
        let address = |user| self.people.get(user).and_then(|person| person.email.as_deref());
        let same = |(one, other): (&str, &str)| !one.is_empty() && one.eq_ignore_ascii_case(other);
        one == other || address(one).zip(address(other)).is_some_and(same)
    }

    /// Whether Slack says that this person's account is deactivated.
    pub fn is_deactivated(&self, user: &UserId) -> bool {
        self.people.get(user).is_some_and(|person| person.deactivated)
    }

    fn is_full_member(&self, person: &Person) -> bool {
        // In an organisation a person's own workspace may be another of its; its strangers count as guests.
        let elsewhere = match (&self.workspace, &person.workspace) {
            (Some(ours), Some(theirs)) => self.enterprise.is_none() && ours != theirs,
            _ => false,
        };
        !person.guest && !person.bot && !elsewhere
    }

    /// The user group meant; `None` where Slack has not told.
    pub fn group(&self, written: &UsergroupRef) -> Option<UsergroupId> {
        if is_slack_id(&written.0, &['S']) {
            return Some(written.0.as_str().into());
        }
        let first = self.names.group(written);
        first.or_else(|| self.group_names.get(written.0.trim_start_matches('@'))).cloned()
    }

    /// Who is in the group meant.
    pub fn members(&self, written: &UsergroupRef) -> &Membership {
        self.group(written).and_then(|id| self.groups.get(&id)).unwrap_or(&Membership::Unknown)
    }

    /// Whether this group is known to hold this person.
    pub fn is_member(&self, group: &UsergroupId, user: &UserId) -> bool {
        match self.groups.get(group) {
            Some(Membership::Known(members)) => members.contains(user),
            Some(Membership::Unknown) | None => false,
        }
    }

    /// The channel meant; `None` where Slack has not told (posting by name still works).
    pub fn channel(&self, written: &ChannelRef) -> Option<ChannelId> {
        if let Some(id) = written.id() {
            return Some(id.into());
        }
        let first = self.names.channel(written);
        first.or_else(|| self.channel_names.get(written.0.trim_start_matches('#'))).cloned()
    }

    /// The same channel as it may also be written: by its id and by its name.
    pub fn also_written(&self, written: &ChannelRef) -> BTreeSet<String> {
        let mut all = BTreeSet::from([written.0.clone()]);
        if let Some(id) = self.channel(written) {
            let names = self.channel_names.iter().filter(|(_, other)| **other == id);
            all.extend(names.map(|(name, _)| format!("#{name}")));
            all.insert(id.to_string());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::names::{Meaning, Sort};

    fn person(name: &str) -> Person {
        let email = Some(format!("{name}@example.com"));
        Person { name: name.to_owned(), email, workspace: Some("T1".into()), ..Person::default() }
    }

    fn user(directory: &Directory, written: &str) -> Option<UserId> {
        directory.user(&UserRef(written.to_owned()))
    }

    #[test]
    fn a_name_means_one_full_member_of_ours_or_nobody() {
        let mut directory = Directory { workspace: Some("T1".into()), ..Directory::default() };
        let strangers = [
            ("U01", Person { guest: true, ..person("alice") }),
            ("U02", Person { bot: true, ..person("alice") }),
            ("U03", Person { deactivated: true, ..person("alice") }),
            ("U04", Person { workspace: Some("T2".into()), ..person("alice") }),
        ];
        for (id, stranger) in strangers {
            directory.people.insert(id.into(), Person { email: None, ..stranger });
        }
        assert_eq!((user(&directory, "@alice"), user(&directory, "alice")), (None, None));
        directory.people.insert("U09".into(), person("alice"));
        for written in ["@alice", "alice", "Alice@Example.com", "U09"] {
            assert_eq!(user(&directory, written), Some("U09".into()), "{written}");
        }
        directory.people.insert("U10".into(), person("alice"));
        assert_eq!(user(&directory, "@alice"), None, "two of that name");
        assert_eq!(user(&directory, "U0NEW"), Some("U0NEW".into()), "an id needs nobody to tell");
    }

    #[test]
    fn a_name_goes_on_meaning_what_it_meant_first() {
        let mut directory = Directory { workspace: Some("T1".into()), ..Directory::default() };
        let mut learn = |sort, name: &str, id: &str| {
            let (name, id) = (name.to_owned(), id.to_owned());
            directory.names.learn(&Meaning { sort, name, id })
        };
        assert!(learn(Sort::User, "@alice", "U01") && !learn(Sort::User, "@alice", "U02"));
        assert!(learn(Sort::User, "bob@example.com", "U03"));
        assert!(learn(Sort::Channel, "#sec", "C01") && learn(Sort::Usergroup, "@blue", "S01"));
        directory.people.insert("U01".into(), person("alice.new"));
        directory.people.insert("U02".into(), person("alice"));
        directory.people.insert("U03".into(), person("robert"));
        directory.channel_names.insert("sec".to_owned(), "C02".into());
        directory.group_names.insert("blue".to_owned(), "S02".into());
        assert_eq!(user(&directory, "@alice"), Some("U01".into()), "another took the handle");
        assert_eq!(directory.channel(&ChannelRef("#sec".to_owned())), Some("C01".into()));
        assert_eq!(directory.group(&UsergroupRef("@blue".to_owned())), Some("S01".into()));
        assert_eq!(user(&directory, "bob@example.com"), Some("U03".into()), "a new address");
        // An address is given by the organisation: who has it now is meant, and who is gone is nobody.
        directory.people.get_mut(&"U03".into()).expect("there").deactivated = true;
        assert_eq!(user(&directory, "bob@example.com"), None);
        directory.people.insert("U04".into(), person("bob"));
        assert_eq!(user(&directory, "bob@example.com"), Some("U04".into()));
    }

    #[test]
    fn in_an_organisation_a_persons_workspace_may_be_another() {
        let other = Person { workspace: Some("T2".into()), ..person("alice") };
        let directory = Directory {
            workspace: Some("T1".into()),
            enterprise: Some("E1".into()),
            people: [("U01".into(), other)].into(),
            ..Directory::default()
        };
        assert_eq!(user(&directory, "@alice"), Some("U01".into()));
    }
}
