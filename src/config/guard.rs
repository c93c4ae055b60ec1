//! `protected` and `limits`: what no playbook may touch, and how often something destructive may be done.

use crate::domain::protected::{Glob, Limits, Protected};
use crate::domain::tool::Entity;
use crate::yaml::fields::{Fields, Shape, key, several, text};
use crate::yaml::units::Rate;
use crate::yaml::{Node, Report};

pub(super) const PROTECTED: Shape = Shape {
    name: "`protected`",
    keys: &[
        key("hosts", "globs", "none", "`dc-*` holds `DC-1` and `dc-1.corp.example` too."),
        key("users", "globs", "none", "`breakglass@*` holds `CORP\\breakglass` too."),
        key("ips", "globs", "none", ""),
        key("domains", "globs", "none", ""),
        key("urls", "globs", "none", ""),
        key("hashes", "globs", "none", ""),
        key("emails", "globs", "none", ""),
        key("resources", "globs", "none", ""),
        key("repositories", "globs", "none", ""),
    ],
    later: &[],
};
pub(super) const LIMITS: Shape = Shape {
    name: "`limits`",
    keys: &[key(
        "destructive",
        "rate",
        "none",
        "Destructive calls of all playbooks together: `3/h`. What is more is refused.",
    )],
    later: &[],
};

/// The keys of `protected`, which are those of an alert, with what each names.
const KINDS: [(&str, Entity); 9] = [
    ("hosts", Entity::Host),
    ("users", Entity::User),
    ("ips", Entity::Ip),
    ("domains", Entity::Domain),
    ("urls", Entity::Url),
    ("hashes", Entity::Hash),
    ("emails", Entity::Email),
    ("resources", Entity::Resource),
    ("repositories", Entity::Repository),
];

pub(super) fn protected(node: &Node, report: &mut Report) -> Protected {
    let mut protected = Protected::default();
    let Some(fields) = Fields::read(node, PROTECTED, report) else { return protected };
    for (name, entity) in KINDS {
        let globs = fields.get(name).map(several).unwrap_or_default();
        let globs: Vec<_> =
            globs.into_iter().filter_map(|glob| text(glob, name, report)).map(Glob::new).collect();
        if !globs.is_empty() {
            protected.0.insert(entity, globs);
        }
    }
    protected
}

pub(super) fn limits(node: &Node, report: &mut Report) -> Limits {
    let Some(fields) = Fields::read(node, LIMITS, report) else { return Limits::default() };
    let destructive = fields.get("destructive").and_then(|node| {
        let said = text(node, "destructive", report)?;
        let rate = Rate::parse(said);
        rate.map_err(|why| report.wrong(node.at, format!("`destructive`: {why}"), None)).ok()
    });
    Limits { destructive: destructive.map(|rate| (rate.count, rate.per)) }
}
