//! What no playbook may touch with something destructive, and how often that may be done at all.

use crate::domain::tool::Entity;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// What is protected: for each kind of thing the globs that hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected(pub BTreeMap<Entity, Vec<Glob>>);

/// How often something may be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Destructive calls of all playbooks together: so many in so long.
    pub destructive: Option<(u32, Duration)>,
}

/// A pattern of names: `*` stands for any letters, `?` for one. Upper and lower case are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Protected {
    /// The pattern that holds this name, as it is written.
    pub fn holds(&self, entity: Entity, name: &str) -> Option<&str> {
        let mut globs = self.globs(entity);
        globs.find(|(kind, glob)| glob.holds(*kind, name)).map(|(_, glob)| glob.as_str())
    }

    /// Whether anything is protected that something of this kind can be.
    pub fn has(&self, entity: Entity) -> bool {
        self.globs(entity).next().is_some()
    }

    fn globs(&self, entity: Entity) -> impl Iterator<Item = (Entity, &Glob)> {
        let of = |kind: &'static Entity| {
            self.0.get(kind).into_iter().flatten().map(|glob| (*kind, glob))
        };
        same(entity).iter().flat_map(of)
    }

    /// The pattern of any kind that holds this name: for what nobody says of which kind it is.
    pub fn holds_any(&self, name: &str) -> Option<&str> {
        self.0.keys().find_map(|entity| self.holds(*entity, name))
    }
}

/// The kinds that one thing may be protected as: a host is also its address, a user also their e-mail address.
fn same(entity: Entity) -> &'static [Entity] {
    match entity {
        Entity::Host => &[Entity::Host, Entity::Ip],
        Entity::Ip => &[Entity::Ip, Entity::Host],
        Entity::User => &[Entity::User, Entity::Email],
        Entity::Email => &[Entity::Email, Entity::User],
        Entity::Domain => &[Entity::Domain],
        Entity::Url => &[Entity::Url],
        Entity::Hash => &[Entity::Hash],
        Entity::Resource => &[Entity::Resource],
        Entity::Repository => &[Entity::Repository],
    }
}

impl Glob {
    /// Takes the pattern as it is written.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The pattern, as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it holds this name, in any of the ways in which the same thing is called. In doubt it does.
    pub fn holds(&self, entity: Entity, name: &str) -> bool {
        let pattern = self.0.trim().to_lowercase();
        let name = name.trim().to_lowercase();
        let end = match entity {
            Entity::Host => '.',
            Entity::User | Entity::Email => '@',
            _ => return fits(&pattern, &name),
        };
        // Windows writes `CORP\dc-1` and `dc-1$`, DNS a dot at the end.
        let name = name.rsplit('\\').next().unwrap_or_default();
        let name = name.trim_end_matches(['$', '.']);
        fits(&pattern, name) || short(&pattern, name, end)
    }
}

/// `dc-1` and `dc-1.corp.example` may be one host, `bea` and `bea@example.com` one user: where only one of pattern and name has the
/// longer form, the short ones are compared.
fn short(pattern: &str, name: &str, end: char) -> bool {
    if name.parse::<IpAddr>().is_ok() {
        return false;
    }
    let head = |text: &str| text.split(end).next().unwrap_or_default().to_owned();
    match (pattern.contains(end), name.contains(end)) {
        (false, true) => fits(pattern, &head(name)),
        // `*.corp.example` says nothing of a short name.
        (true, false) => {
            let head = head(pattern);
            head.chars().any(|c| !matches!(c, '*' | '?')) && fits(&head, name)
        }
        _ => false,
    }
}

/// Whether a name fits a pattern, letter by letter. A star that failed is tried again one letter further: no more steps than the
/// one's length times the other's.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<_>, Vec<_>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_holds_a_thing_whatever_it_is_called_by() {
        use Entity::{Domain, Email, Host, Ip, User};
        for (entity, pattern, name, held) in [
            (Host, "dc-*", "dc-1.corp.example", true),
            (Host, "dc-*", "DC-1", true),
            (Host, "DC-*", "dc-1", true),
            (Host, "dc-*", "abcdc-1", false),
            (Host, "dc-1", "dc-1.corp.example", true),
            (Host, "dc-1", "dc-10.corp.example", false),
            (Host, "dc-1.corp.example", "dc-1", true),
            (Host, "dc-1.corp.example", "dc-1.other.example", false),
            (Host, "*.corp.example", "db-1", false),
            (Host, "*.corp.example", "db-1.corp.example.", true),
            (Host, "dc-?", "CORP\\DC-1$", true),
            (Host, "10", "10.1.2.3", false),
            (Host, "10.1.*", "10.1.2.3", true),
            (Host, "*", "anything", true),
            (Host, "prod-*-db", "prod-eu-1-db", true),
            (Host, "prod-*-db", "prod-eu-1-dbx", false),
            (User, "*@breakglass", "root@breakglass", true),
            (User, "*@breakglass", "bea", false),
            (User, "*@breakglass", "bea@example.com", false),
            (User, "breakglass@*", "BreakGlass@example.com", true),
            (User, "breakglass@*", "CORP\\breakglass", true),
            (User, "svc-*", "svc-backup@example.com", true),
            (Email, "ceo@example.com", "CEO@Example.com", true),
            (Ip, "10.0.0.*", "10.0.0.7", true),
            (Ip, "10.0.0.*", "10.0.1.7", false),
            (Domain, "*.example.com", "example.com", false),
            (Host, "", "dc-1", false),
            (Host, " dc-1 ", " dc-1 ", true),
        ] {
            assert_eq!(Glob::new(pattern).holds(entity, name), held, "{pattern} and {name}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = format!("{}b", "a*".repeat(60));
        assert!(!fits(&pattern, &"a".repeat(5000)));
    }

    #[test]
    fn the_pattern_that_held_it_is_told() {
        let protected = Protected(BTreeMap::from([(Entity::Host, vec![Glob::new("dc-*")])]));
        assert_eq!(protected.holds(Entity::Host, "DC-1"), Some("dc-*"));
        assert_eq!(protected.holds(Entity::User, "dc-1"), None);
    }

    #[test]
    fn a_host_is_held_by_its_address_and_a_user_by_their_e_mail_address() {
        use Entity::{Domain, Email, Host, Ip, User};
        for (kind, pattern, entity, name) in [
            (Ip, "10.0.0.*", Host, "10.0.0.7"),
            (Host, "10.0.0.*", Ip, "10.0.0.7"),
            (Email, "ceo@example.com", User, "CEO@example.com"),
            (User, "breakglass@*", Email, "breakglass@example.com"),
        ] {
            let protected = Protected(BTreeMap::from([(kind, vec![Glob::new(pattern)])]));
            assert_eq!(protected.holds(entity, name), Some(pattern), "{pattern} and {name}");
            assert!(protected.has(entity) && !protected.has(Domain));
        }
    }
}
