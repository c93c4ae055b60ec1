//! An alert: what a source says of it, in one vocabulary for all sources, and the words its life is told in.

pub mod audience;
pub mod dedup;
pub mod escalation;
pub mod lifecycle;
pub mod pending;
pub mod place;
pub mod routing;

use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How bad it is, worst first (so that sorting puts criticals in front).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

/// What the source says: it goes on, or it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Firing,
    Resolved,
}

/// What the team has done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Open,
    Acknowledged,
    Resolved,
}

/// What it turned out to be; said by who resolves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    TruePositive,
    FalsePositive,
    BenignTruePositive,
    Duplicate,
    Test,
}

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),+ $(,)? })*) => {$(
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word that stands in the store, in views, payloads and expressions.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// Reads that word; `None` for any other.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    )*};
}
pub(crate) use words;

words! {
    Severity { Critical = "critical", High = "high", Medium = "medium", Low = "low", Info = "info" }
    Status { Firing = "firing", Resolved = "resolved" }
    State { Open = "open", Acknowledged = "acknowledged", Resolved = "resolved" }
    Disposition {
        TruePositive = "true_positive",
        FalsePositive = "false_positive",
        BenignTruePositive = "benign_true_positive",
        Duplicate = "duplicate",
        Test = "test",
    }
}

/// The things an alert is about. Each list is in the source's order, without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entities {
    pub hosts: Vec<String>,
    pub users: Vec<String>,
    pub ips: Vec<String>,
    pub domains: Vec<String>,
    pub urls: Vec<String>,
    pub hashes: Vec<String>,
    pub emails: Vec<String>,
    pub resources: Vec<String>,
    pub repositories: Vec<String>,
}

impl Entities {
    /// Each kind by its name in payloads and expressions, with its list.
    pub fn kinds(&self) -> [(&'static str, &[String]); 9] {
        [
            ("hosts", &self.hosts),
            ("users", &self.users),
            ("ips", &self.ips),
            ("domains", &self.domains),
            ("urls", &self.urls),
            ("hashes", &self.hashes),
            ("emails", &self.emails),
            ("resources", &self.resources),
            ("repositories", &self.repositories),
        ]
    }

    /// Takes over what is new of others.
    pub fn extend(&mut self, others: &Self) {
        for ((_, known), (_, new)) in self.kinds_mut().into_iter().zip(others.kinds()) {
            for one in new {
                if !known.contains(one) {
                    known.push(one.clone());
                }
            }
        }
    }

    /// The same lists, to be filled by name.
    pub fn kinds_mut(&mut self) -> [(&'static str, &mut Vec<String>); 9] {
        [
            ("hosts", &mut self.hosts),
            ("users", &mut self.users),
            ("ips", &mut self.ips),
            ("domains", &mut self.domains),
            ("urls", &mut self.urls),
            ("hashes", &mut self.hashes),
            ("emails", &mut self.emails),
            ("resources", &mut self.resources),
            ("repositories", &mut self.repositories),
        ]
    }
}

/// One alert as every source's mapping leaves it. These names are an interface: `generic` payloads, expressions
/// (`alert.hosts`), `source test` and exports use the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Normalised {
    /// The source's own id of the alert.
    pub id: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub rule: Option<String>,
    pub severity: Severity,
    pub status: Status,
    /// What makes two firings the same alert. Default: `id`, else SHA-256 of source, title and sorted entities.
    pub dedup_key: String,
    /// The way back to the product's own page; only `http` and `https`.
    pub url: Option<String>,
    #[serde(flatten)]
    pub entities: Entities,
    /// MITRE ATT&CK.
    pub tactic: Option<String>,
    pub technique: Option<String>,
    pub occurred_at: Option<Timestamp>,
}

impl Normalised {
    /// Its names in expressions: `alert.title`.
    pub const NAMES: [&str; 20] = [
        "id",
        "title",
        "description",
        "rule",
        "severity",
        "status",
        "dedup_key",
        "url",
        "hosts",
        "users",
        "ips",
        "domains",
        "urls",
        "hashes",
        "emails",
        "resources",
        "repositories",
        "tactic",
        "technique",
        "occurred_at",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_an_alert_are_those_that_expressions_see() {
        let alert: Normalised = serde_json::from_value(serde_json::json!({
            "title": "x", "severity": "low", "status": "firing", "dedup_key": "x",
        }))
        .expect("an alert");
        let seen = serde_json::to_value(&alert).expect("plain data");
        let seen: Vec<&str> = seen.as_object().expect("a map").keys().map(String::as_str).collect();
        assert_eq!(seen, Normalised::NAMES);
    }
}
