//! The way in for webhooks: who sent it (`auth`), what it says (`mapping`), and the HTTP that carries both.

mod answer;
pub mod auth;
pub mod body;
mod handshakes;
pub mod hook;
pub mod http;
mod impatient;
pub mod mapping;
mod serve;
#[cfg(test)]
mod tests;
pub mod tls;

pub use serve::serve;

use crate::domain::ids::SourceName;
use auth::Auth;
use mapping::Mapping;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A configured source: who may post to it, and how its bodies are read.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: SourceName,
    pub auth: Auth,
    pub mapping: Arc<Mapping>,
}

/// The configured sources, by name.
#[derive(Clone, Debug, Default)]
pub struct Sources(BTreeMap<String, Source>);

impl Sources {
    /// The source of that name.
    pub fn get(&self, name: &str) -> Option<&Source> {
        self.0.get(name)
    }
}

impl FromIterator<Source> for Sources {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        Self(sources.into_iter().map(|source| (source.name.as_str().to_owned(), source)).collect())
    }
}

/// The word that was perhaps meant.
pub fn nearest<'a>(said: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    words
        .map(|word| (strsim::jaro_winkler(&said.to_lowercase(), word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}
