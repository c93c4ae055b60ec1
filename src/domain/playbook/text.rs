//! A value with `{{ … }}` in its strings. A string that is one `{{ … }}` keeps its type.
//!
//! Only what we or a team wrote is compiled. What comes out of it is data, and is never compiled again.

use super::expr::{Expr, ExprError, without_nulls};
use minijinja::Value;
use minijinja::value::ValueKind;
use serde_json::Value as Json;
use std::fmt;

/// A compiled value: strings, lists and maps of them, and what is no text as it is.
#[derive(Clone, Debug)]
pub enum Template {
    Plain(Json),
    /// One `{{ … }}` and nothing else.
    Whole(Expr),
    /// Text with parts to be filled in.
    Mixed(Vec<Part>),
    List(Vec<Template>),
    Map(Vec<(String, Template)>),
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub enum Part {
    Text(String),
    Expr(Expr),
}

/// Why a template has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoValue {
    /// A name in it is not defined, or is null: the expression as written.
    Undefined(String),
    Broken(ExprError),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadText {
    /// The part that is wrong, as written.
    pub part: String,
    pub why: String,
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.part, self.why)
    }
}
impl std::error::Error for BadText {}

impl Template {
    /// Compiles a value as a file has it.
    pub fn compile(written: &Json) -> Result<Self, BadText> {
        match written {
            Json::String(text) => Self::text(text),
            Json::Array(items) => {
                Ok(Self::List(items.iter().map(Self::compile).collect::<Result<_, _>>()?))
            }
            Json::Object(entries) => {
                let entry =
                    |(key, value): (&String, &Json)| Ok((key.clone(), Self::compile(value)?));
                Ok(Self::Map(entries.iter().map(entry).collect::<Result<_, _>>()?))
            }
            plain => Ok(Self::Plain(plain.clone())),
        }
    }

    /// Compiles a text.
    pub fn text(text: &str) -> Result<Self, BadText> {
        let mut parts = parts(text)?;
        let blank = |part: &Part| matches!(part, Part::Text(text) if text.trim().is_empty());
        let said = parts.iter().filter(|part| !blank(part)).count();
        match parts.iter().position(|part| matches!(part, Part::Expr(_))) {
            None => Ok(Self::Plain(Json::String(text.to_owned()))),
            Some(at) if said == 1 => match parts.swap_remove(at) {
                Part::Expr(expr) => Ok(Self::Whole(expr)),
                part @ Part::Text(_) => Ok(Self::Mixed(vec![part])),
            },
            Some(_) => Ok(Self::Mixed(parts)),
        }
    }

    /// The value for this scope; anything undefined or null in it is told, never an empty text.
    pub fn value(&self, scope: &Value) -> Result<Json, NoValue> {
        self.strict(&without_nulls(scope))
    }

    fn strict(&self, scope: &Value) -> Result<Json, NoValue> {
        match self {
            Self::Plain(value) => Ok(value.clone()),
            Self::Whole(expr) => json(&all_of(expr, scope)?),
            Self::Mixed(parts) => {
                let filled = parts.iter().map(|part| match part {
                    Part::Text(text) => Ok(text.clone()),
                    Part::Expr(expr) => all_of(expr, scope).map(|value| value.to_string()),
                });
                Ok(Json::String(filled.collect::<Result<_, _>>()?))
            }
            Self::List(items) => items.iter().map(|item| item.strict(scope)).collect(),
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| Ok((key.clone(), value.strict(scope)?));
                Ok(Json::Object(entries.iter().map(entry).collect::<Result<_, _>>()?))
            }
        }
    }

    /// The value where what is missing may be: `None` for all of it, an empty text in a text, and left out of a list or a map.
    pub fn value_or_missing(&self, scope: &Value) -> Result<Option<Json>, NoValue> {
        match self {
            Self::Plain(value) => Ok((!value.is_null()).then(|| value.clone())),
            Self::Whole(expr) => {
                let value = expr.value(scope).map_err(NoValue::Broken)?;
                if value.is_undefined() || value.is_none() {
                    return Ok(None);
                }
                json(&value).map(Some)
            }
            Self::Mixed(_) => self.said(scope).map(|text| Some(Json::String(text))),
            Self::List(items) => {
                let items =
                    items.iter().filter_map(|item| item.value_or_missing(scope).transpose());
                items.collect::<Result<_, _>>().map(Json::Array).map(Some)
            }
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| {
                    let value = value.value_or_missing(scope).transpose()?;
                    Some(value.map(|value| (key.clone(), value)))
                };
                let entries = entries.iter().filter_map(entry).collect::<Result<_, _>>();
                entries.map(Json::Object).map(Some)
            }
        }
    }

    /// What people read: what is missing is left empty, and a list is written with commas.
    pub fn said(&self, scope: &Value) -> Result<String, NoValue> {
        let one =
            |expr: &Expr| expr.value(scope).map(|value| read_out(&value)).map_err(NoValue::Broken);
        match self {
            Self::Plain(Json::String(text)) => Ok(text.clone()),
            Self::Whole(expr) => one(expr),
            Self::Mixed(parts) => {
                let filled = parts.iter().map(|part| match part {
                    Part::Text(text) => Ok(text.clone()),
                    Part::Expr(expr) => one(expr),
                });
                filled.collect()
            }
            Self::Plain(_) | Self::List(_) | Self::Map(_) => {
                Ok(self.value_or_missing(scope)?.map(|value| value.to_string()).unwrap_or_default())
            }
        }
    }

    /// Each expression in it.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Whole(expr) => vec![expr],
            Self::Mixed(parts) => {
                let expr = |part| match part {
                    &Part::Text(_) => None,
                    Part::Expr(expr) => Some(expr),
                };
                parts.iter().filter_map(expr).collect()
            }
            Self::List(items) => items.iter().flat_map(Self::exprs).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, value)| value.exprs()).collect(),
        }
    }

    /// The names it reads, with their path: `steps.find.id`. Sorted, each once.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.exprs().into_iter().flat_map(Expr::names).collect();
        names.sort();
        names.dedup();
        names
    }
}

fn all_of(expr: &Expr, scope: &Value) -> Result<Value, NoValue> {
    let value = expr.value_of_all(scope).map_err(NoValue::Broken)?;
    value.ok_or_else(|| NoValue::Undefined(expr.text().to_owned()))
}

fn json(value: &Value) -> Result<Json, NoValue> {
    serde_json::to_value(value).map_err(|why| NoValue::Broken(ExprError(why.to_string())))
}

fn read_out(value: &Value) -> String {
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => String::new(),
        ValueKind::Seq => {
            let items = value.try_iter().into_iter().flatten();
            items.map(|item| read_out(&item)).collect::<Vec<_>>().join(", ")
        }
        _ => value.to_string(),
    }
}

/// Cuts a text into what stands as it is and what is computed.
fn parts(text: &str) -> Result<Vec<Part>, BadText> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        match after.as_bytes().get(1) {
            Some(b'{') => {
                push(&mut parts, before);
                let (expr, behind) = computed(after)?;
                parts.push(Part::Expr(expr));
                rest = behind;
            }
            Some(b'%' | b'#') => return Err(block(after)),
            _ => {
                push(&mut parts, &rest[..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    push(&mut parts, rest);
    Ok(parts)
}

fn push(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

fn block(text: &str) -> BadText {
    let part: String = text.lines().next().unwrap_or_default().chars().take(30).collect();
    let why = "only {{ … }} is filled in: a condition is a step's `when`, a loop its `for_each`; \
               where it is meant as text, write {{ '{%' }}";
    BadText { part, why: why.to_owned() }
}

/// Reads `{{ … }}` at the start of `text`: the expression, and what stands behind it.
fn computed(text: &str) -> Result<(Expr, &str), BadText> {
    let short = || text.lines().next().unwrap_or_default().chars().take(30).collect::<String>();
    let inside = &text[2..];
    let Some(end) = end_of(inside) else {
        let why = "`}}` is missing".to_owned();
        return Err(BadText { part: short(), why });
    };
    let written = inside[..end].trim();
    let bad = |why: &str| BadText { part: written.to_owned(), why: why.to_owned() };
    if inside.starts_with('-') || inside[..end].ends_with('-') {
        return Err(bad("`{{-` and `-}}` are not known here: write a blank before and after"));
    }
    if outside_of_quotes(written).any(|(_, letter)| letter == '~') {
        // What is missing would be an empty text in it, and nobody would see that it was.
        return Err(bad("`~` is not known here: write the parts side by side, \"{{ a }}{{ b }}\""));
    }
    let expr = Expr::compile(written).map_err(|why| bad(&why.to_string()))?;
    Ok((expr, &inside[end + 2..]))
}

/// Where the `}}` stands that closes it: not one within quotes, nor the end of a map.
fn end_of(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in outside_of_quotes(text) {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' if text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

fn outside_of_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quote, mut escaped) = (None, false);
    text.char_indices().filter(move |(_, letter)| match quote {
        Some(_) if escaped => {
            escaped = false;
            false
        }
        Some(_) if *letter == '\\' => {
            escaped = true;
            false
        }
        Some(open) => {
            if open == *letter {
                quote = None;
            }
            false
        }
        None if matches!(letter, '\'' | '"') => {
            quote = Some(*letter);
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::playbook::expr;
    use serde_json::json;

    fn scope() -> Value {
        expr::json(&json!({
            "alert": {"title": "sudo {{ alert.secret }}", "hosts": ["db-1", "db-2"], "users": [], "url": null, "n": 7},
            "steps": {"find": {"id": "d-1"}},
            "odd": ["a", null],
        }))
    }

    fn template(written: Json) -> Template {
        Template::compile(&written).unwrap_or_else(|why| panic!("{why}"))
    }

    #[test]
    fn a_text_that_is_one_expression_keeps_its_type_and_others_are_text() {
        for (written, expected) in [
            (json!("{{ alert.n }}"), json!(7)),
            (json!(" {{ alert.hosts }}\n"), json!(["db-1", "db-2"])),
            (json!("{{ alert.n }} times"), json!("7 times")),
            (json!("{{ alert.n }}{{ alert.n }}"), json!("77")),
            (json!("a {b} }} c"), json!("a {b} }} c")),
            (json!("{{ '}}' }}"), json!("}}")),
            (json!("{{ {'a': {'b': 1}} }}"), json!({"a": {"b": 1}})),
            (json!("{{ '{%' }} {{ \"a\\\"}}\" }}"), json!("{% a\"}}")),
            (
                json!({"ids": ["{{ steps.find.id }}"], "n": 1, "no": null}),
                json!({"ids": ["d-1"], "n": 1, "no": null}),
            ),
            (json!("{{ alert.url|default('none') }}"), json!("none")),
            (json!("{{ coalesce(alert.url, alert.hosts[0]) }}"), json!("db-1")),
            (json!("{{ 'yes' if alert.url is defined else 'no' }}"), json!("no")),
            (json!("{{ alert.hosts|join(', ') }}"), json!("db-1, db-2")),
        ] {
            assert_eq!(template(written.clone()).value(&scope()), Ok(expected), "{written}");
        }
    }

    /// A lost filter would contain the first host of all.
    #[test]
    fn whatever_is_missing_anywhere_in_it_refuses_and_is_named() {
        for (written, missing) in [
            (json!("{{ alert.url }}"), "alert.url"),
            (json!("{{ steps.fnd.id }}"), "steps.fnd.id"),
            (json!("hostname:'{{ alert.users[0] }}'"), "alert.users[0]"),
            (json!({"filter": {"ids": ["x", "{{ steps.find.other }}"]}}), "steps.find.other"),
            (json!("{{ [alert.url, 'x'] }}"), "[alert.url, 'x']"),
            (json!("{{ [alert.url, 'x']|join(',') }}"), "[alert.url, 'x']|join(',')"),
            (json!("{{ odd|join(',') }}"), "odd|join(',')"),
            (json!("{{ {'a': {'b': alert.url}}|tojson }}"), "{'a': {'b': alert.url}}|tojson"),
            (json!("{{ alert.users|first }}"), "alert.users|first"),
            (json!("{{ 'x' if alert.url else 'y' }}"), "'x' if alert.url else 'y'"),
            (json!("{{ alert.url or 'x' }}"), "alert.url or 'x'"),
        ] {
            let refused = template(written.clone()).value(&scope());
            assert_eq!(refused, Err(NoValue::Undefined(missing.to_owned())), "{written}");
        }
    }

    /// Each filter that there is, over what is missing: it stops, or what comes out is missing too.
    #[test]
    fn no_filter_makes_something_of_what_is_missing() {
        let filters = [
            "safe",
            "lower",
            "upper",
            "title",
            "capitalize",
            "replace('a', 'b')",
            "length",
            "items",
            "reverse",
            "trim",
            "join",
            "split",
            "lines",
            "round",
            "abs",
            "int",
            "float",
            "attr('a')",
            "first",
            "last",
            "min",
            "max",
            "sort",
            "list",
            "string",
            "bool",
            "batch(2)",
            "slice(2)",
            "sum",
            "select",
            "reject",
            "selectattr('a')",
            "rejectattr('a')",
            "map('upper')",
            "groupby('a')",
            "unique",
            "format('a')",
            "tojson",
            "dictsort",
            "from_json",
            "flatten",
            "host",
        ];
        let kept = filters.iter().filter_map(|filter| {
            let text = format!("{{{{ alert.url|{filter} }}}}");
            let value = Template::text(&text).expect(filter).value(&scope()).ok()?;
            Some(format!("{filter} makes {value}"))
        });
        assert_eq!(kept.collect::<Vec<_>>(), Vec::<String>::new());
    }

    #[test]
    fn where_it_may_be_missing_it_is_left_out() {
        let optional =
            |written: Json| template(written).value_or_missing(&scope()).expect("evaluates");
        assert_eq!(optional(json!("{{ alert.url }}")), None);
        assert_eq!(optional(json!("see {{ alert.url }}")), Some(json!("see ")));
        assert_eq!(optional(json!({"a": "{{ alert.url }}", "b": 1})), Some(json!({"b": 1})));
        let said = |text: &str| template(json!(text)).said(&scope()).expect("evaluates");
        assert_eq!(said("on {{ alert.hosts }}: {{ alert.url }}"), "on db-1, db-2: ");
    }

    #[test]
    fn what_an_alert_says_is_never_compiled() {
        assert_eq!(
            template(json!("{{ alert.title }}!")).value(&scope()),
            Ok(json!("sudo {{ alert.secret }}!"))
        );
    }

    #[test]
    fn what_cannot_be_filled_in_is_told() {
        for (text, why) in [
            ("{{ alert.title", "`{{ alert.title`: `}}` is missing"),
            ("{% if x %}", "`{% if x %}`: only {{ … }} is filled in"),
            ("{# x #}", "`{# x #}`: only {{ … }} is filled in"),
            ("{{- alert.title -}}", "are not known here"),
            ("{{ alert.title ~ '.corp' }}", "`~` is not known here"),
            ("{{ alert.hosts|frist }}", "frist"),
            ("{{ }}", "``: "),
        ] {
            let told = Template::text(text).expect_err(text).to_string();
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn its_names_are_known_before_anything_runs() {
        let template = template(
            json!({"a": "{{ steps.find.id }}", "b": ["{{ alert.hosts[0] }} {{ ask.why }}"]}),
        );
        assert_eq!(template.names(), ["alert.hosts", "ask.why", "steps.find.id"]);
    }
}
