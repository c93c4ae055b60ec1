//! Values in a playbook: names that people choose, bare expressions, and texts with `{{ … }}`.

use super::names::Names;
use crate::domain::playbook::expr::Expr;
use crate::domain::playbook::literals::{Never, never};
use crate::domain::playbook::text::Template;
use crate::yaml::problem::suggest;
use crate::yaml::{Node, Report, Spot, What, fields};
use serde_json::Value as Json;

/// A condition or a list: a bare expression, whose names exist.
pub(super) fn expression(
    node: &Node,
    key: &str,
    names: &Names,
    report: &mut Report,
) -> Option<Expr> {
    let said = match &node.what {
        What::Flag(flag) => flag.to_string(),
        _ => fields::text(node, key, report)?.to_owned(),
    };
    if said.starts_with("{{") {
        let bare = said.trim_start_matches("{{").trim_end_matches("}}").trim();
        let message = format!("`{key}` is a bare expression, without {{{{ }}}}");
        report.wrong(node.at, message, format!("write {bare}"));
        return None;
    }
    match Expr::compile(&said) {
        Ok(expr) => {
            names.check(&expr, node.at, report);
            for Never { name, word, right } in never(expr.text()) {
                let spot = report.within(node.at, word);
                report.wrong(spot, format!("`{name}` is never `{word}`"), suggest(word, &right));
            }
            Some(expr)
        }
        Err(why) => {
            report.wrong(node.at, format!("`{key}`: {why}"), None);
            None
        }
    }
}

/// Any value; the names in its `{{ … }}` exist.
pub(super) fn template(node: &Node, names: &Names, report: &mut Report) -> Option<Template> {
    match &node.what {
        What::Nothing => Some(Template::Plain(Json::Null)),
        What::Flag(flag) => Some(Template::Plain((*flag).into())),
        What::Number(number) => Some(Template::Plain(number.clone().into())),
        What::Text(text) => written(text, node.at, names, report),
        What::List(items) => {
            let items: Vec<_> = items.iter().map(|item| template(item, names, report)).collect();
            items.into_iter().collect::<Option<_>>().map(Template::List)
        }
        What::Map(entries) => {
            let entry = |(key, value): &(crate::yaml::Word, Node)| {
                Some((key.text.clone(), template(value, names, report)?))
            };
            let entries: Vec<_> = entries.iter().map(entry).collect();
            entries.into_iter().collect::<Option<_>>().map(Template::Map)
        }
    }
}

/// A text for people.
pub(super) fn prose(
    node: &Node,
    key: &str,
    names: &Names,
    report: &mut Report,
) -> Option<Template> {
    let text = fields::text(node, key, report)?;
    written(text, node.at, names, report)
}

fn written(text: &str, at: Spot, names: &Names, report: &mut Report) -> Option<Template> {
    match Template::text(text) {
        Ok(template) => {
            template.exprs().into_iter().for_each(|expr| names.check(expr, at, report));
            Some(template)
        }
        Err(why) => {
            let spot = report.within(at, &why.part);
            report.wrong(spot, why.to_string(), None);
            None
        }
    }
}

/// Whether a name can be read in expressions: `steps.find_host`. Says so where it cannot.
pub(super) fn is_name(name: &str, at: Spot, report: &mut Report) -> bool {
    let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    // `not` and `if` are words of the language.
    let free = || Expr::compile(name).is_ok_and(|expr| expr.names() == [name]);
    if letters && begins && free() {
        return true;
    }
    let hint = "small letters, digits and `_`, beginning with a letter: find_host".to_owned();
    report.wrong(at, format!("`{name}` can be no name in expressions"), hint);
    false
}
