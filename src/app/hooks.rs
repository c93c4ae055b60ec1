//! The config's sources as the intake takes them: each with its mapping and its secrets.

use crate::config::{self, Settings};
use crate::intake::auth::Auth;
use crate::intake::mapping::Mappings;
use crate::intake::{Source, Sources};
use anyhow::Context as _;
use std::sync::Arc;

/// The sources of a config whose `type:`s are known.
pub fn sources(settings: &Settings, mappings: &Mappings) -> anyhow::Result<Sources> {
    let one = |(name, source): (&crate::domain::ids::SourceName, &config::Source)| {
        let mapping = mappings.get(&source.mapping).with_context(|| {
            format!("sources.{name}: there is no mapping called {}", source.mapping)
        })?;
        let auth = match &source.auth {
            config::Auth::Bearer(secrets) => Auth::Bearer(secrets.clone()),
            config::Auth::Token(secrets) => Auth::Token(secrets.clone()),
            config::Auth::Open => Auth::None,
        };
        Ok(Source { name: name.clone(), auth, mapping: Arc::clone(mapping) })
    };
    settings.sources.iter().map(one).collect()
}
