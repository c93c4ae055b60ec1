//! The one expression language (MiniJinja): bare expressions and `{{ … }}` templates, compiled once, fuel-limited.
//!
//! Only our own files are ever compiled. Alert text is a value that expressions see, never a template.

use minijinja::value::{Rest, Serde, ValueKind};
use minijinja::{Environment, ErrorKind, Expression, UndefinedBehavior, Value};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, OnceLock};

/// Steps of the interpreter that one evaluation may take; a mapping of a large payload takes a few thousand.
const FUEL: u64 = 200_000;

/// What is missing chains: conditions, mappings, and what people read.
static ENVIRONMENT: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::Chainable));

/// What is missing stops it: whatever is given to a tool. `default`, `coalesce` and `is defined` say otherwise.
static STRICT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = environment(UndefinedBehavior::Strict);
    // MiniJinja's own take a missing item for an empty text, or for null.
    environment.add_filter("join", join);
    environment.add_filter("tojson", tojson);
    environment
});

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // Made for HTML and for looking inside; they make a text of what is missing.
    for name in ["escape", "e", "indent", "pprint"] {
        environment.remove_filter(name);
    }
    environment.add_function("get", get);
    environment.add_function("coalesce", coalesce);
    environment.add_filter("from_json", from_json);
    environment.add_filter("flatten", flatten);
    environment.add_filter("host", host);
    super::filters::add(&mut environment);
    // MiniJinja calls a missing value a sequence; a check such as `body.alerts is sequence` must not.
    environment.add_test("sequence", |value: &Value| value.kind() == ValueKind::Seq);
    environment.add_test("ip", |value: &Value| value.as_str().is_some_and(is_ip));
    environment.add_test("email", |value: &Value| value.as_str().is_some_and(is_email));
    environment
}

/// The functions that every expression may call: MiniJinja's and ours. `Expr::names` lists them like any other name.
pub const FUNCTIONS: [&str; 6] = ["range", "dict", "debug", "namespace", "get", "coalesce"];

/// An expression that is known to compile. MiniJinja takes some 6 KB for each, and the files that we ship hold about a thousand: it
/// is compiled when it is first evaluated.
#[derive(Clone)]
pub struct Expr(Arc<Inner>);

struct Inner {
    text: Box<str>,
    names: Box<[String]>,
    compiled: OnceLock<Expression<'static, 'static>>,
    /// The same where nothing may be missing.
    strict: OnceLock<Expression<'static, 'static>>,
}

/// Why a text is no expression, or why its evaluation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError(pub String);

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for ExprError {}

impl Expr {
    /// Compiles a bare expression such as `alert.severity == 'critical'`.
    pub fn compile(text: &str) -> Result<Self, ExprError> {
        let compiled = ENVIRONMENT.compile_expression_owned(text.to_owned()).map_err(explain)?;
        // MiniJinja looks filters and tests up when it evaluates: a misspelt one should not wait for the first alert.
        if let Err(error) = compiled.eval(Value::from_iter(Vec::<Value>::new()))
            && let ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction =
                error.kind()
        {
            return Err(explain(error));
        }
        let mut names: Vec<_> = compiled.undeclared_variables(true).into_iter().collect();
        names.sort();
        Ok(Self(Arc::new(Inner {
            text: text.into(),
            names: names.into(),
            compiled: OnceLock::new(),
            strict: OnceLock::new(),
        })))
    }

    /// Compiled for one of the environments: it has compiled before, and they differ in no syntax.
    fn compiled<'a>(
        &'a self,
        kept: &'a OnceLock<Expression<'static, 'static>>,
        environment: &'static Environment<'static>,
    ) -> &'a Expression<'static, 'static> {
        let compile = || environment.compile_expression_owned(self.0.text.to_string());
        kept.get_or_init(|| compile().expect("it compiled when it was read"))
    }

    /// The value it has for `context`; a missing value is undefined, not an error.
    pub fn value(&self, context: &Value) -> Result<Value, ExprError> {
        self.compiled(&self.0.compiled, &ENVIRONMENT).eval(context).map_err(explain)
    }

    /// The value it has for `context` where nothing that it reads may be missing, at any depth; `None` where something is. Null
    /// counts as missing. `context` is one of `without_nulls`.
    pub fn value_of_all(&self, context: &Value) -> Result<Option<Value>, ExprError> {
        match self.compiled(&self.0.strict, &STRICT).eval(context) {
            Ok(value) => Ok((!lacks(&value)).then_some(value)),
            Err(error) if error.kind() == ErrorKind::UndefinedError => Ok(None),
            Err(error) => Err(explain(error)),
        }
    }

    /// Whether it holds for `context`.
    pub fn holds(&self, context: &Value) -> Result<bool, ExprError> {
        self.value(context).map(|value| value.is_true())
    }

    /// The names it reads that it does not define, with their path: `alert.severity`.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Its text, as written.
    pub fn text(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({:?})", self.text())
    }
}

fn explain(error: minijinja::Error) -> ExprError {
    let mut text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    if let Some(range) = error.range() {
        text.push_str(&format!(" (at character {})", range.start + 1));
    }
    ExprError(text)
}

/// JSON as a value that expressions can read. Not by `Value::from(Serde(json))`: where any crate of the build switches on
/// serde_json's `arbitrary_precision` (one of our test tools does), that turns every number into a map.
pub fn json(value: &Json) -> Value {
    Value::from(Serde(PlainNumbers(value)))
}

struct PlainNumbers<'a>(&'a Json);

impl Serialize for PlainNumbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Number(number) => {
                if let Some(whole) = number.as_i64() {
                    serializer.serialize_i64(whole)
                } else if let Some(whole) = number.as_u64() {
                    serializer.serialize_u64(whole)
                } else if let Ok(whole) = number.to_string().parse() {
                    serializer.serialize_i128(whole)
                } else if let Some(float) = number.as_f64() {
                    serializer.serialize_f64(float)
                } else {
                    serializer.serialize_str(&number.to_string())
                }
            }
            Json::Array(items) => serializer.collect_seq(items.iter().map(PlainNumbers)),
            Json::Object(entries) => serializer
                .collect_map(entries.iter().map(|(key, value)| (key, PlainNumbers(value)))),
            plain @ (Json::Null | Json::Bool(_) | Json::String(_)) => plain.serialize(serializer),
        }
    }
}

/// The same value with each null left out of its map, so that null and missing are one.
pub fn without_nulls(value: &Value) -> Value {
    match value.kind() {
        ValueKind::None => Value::UNDEFINED,
        ValueKind::Map => {
            let keys: Vec<Value> = value.try_iter().into_iter().flatten().collect();
            let entry = |key: Value| {
                let inner = value.get_item(&key).ok().filter(|inner| !inner.is_none())?;
                Some((key, without_nulls(&inner)))
            };
            Value::from_pairs(keys.into_iter().filter_map(entry))
        }
        ValueKind::Seq => {
            let items: Vec<Value> = value.try_iter().into_iter().flatten().collect();
            items.iter().map(without_nulls).collect()
        }
        _ => value.clone(),
    }
}

/// Whether it, or anything in it, is missing.
fn lacks(value: &Value) -> bool {
    let mut items = value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => true,
        ValueKind::Map => items.any(|key| value.get_item(&key).map_or(true, |inner| lacks(&inner))),
        ValueKind::Seq | ValueKind::Iterable => items.any(|item| lacks(&item)),
        _ => false,
    }
}

fn missing() -> minijinja::Error {
    minijinja::Error::from(ErrorKind::UndefinedError)
}

/// `join` that refuses a list in which something is missing.
fn join(value: &Value, between: Option<String>) -> Result<String, minijinja::Error> {
    if lacks(value) {
        return Err(missing());
    }
    let items: Vec<String> = value.try_iter()?.map(|item| item.to_string()).collect();
    Ok(items.join(between.as_deref().unwrap_or_default()))
}

/// `tojson` that refuses a value in which something is missing.
fn tojson(value: &Value) -> Result<String, minijinja::Error> {
    if lacks(value) {
        return Err(missing());
    }
    serde_json::to_string(value)
        .map_err(|why| minijinja::Error::new(ErrorKind::BadSerialization, why.to_string()))
}

/// `get(body, 'kibana.alert.rule.name')`: the literal dotted key where there is one, at each level, else the nested path.
/// Elastic's documents hold both kinds side by side.
fn get(value: &Value, path: &str) -> Value {
    let key = |name: &str| {
        let found = (value.kind() == ValueKind::Map).then(|| value.get_attr(name).ok()).flatten();
        found.filter(|found| !found.is_undefined())
    };
    if let Some(found) = key(path) {
        return found;
    }
    path.rmatch_indices('.')
        .filter_map(|(dot, _)| key(&path[..dot]).map(|inner| get(&inner, &path[dot + 1..])))
        .find(|found| !found.is_undefined())
        .unwrap_or(Value::UNDEFINED)
}

/// The first value that says something: not missing, null, a blank text or an empty list. Unlike `or`, it keeps 0 and false.
fn coalesce(values: Rest<Value>) -> Value {
    values.iter().find(|value| says_something(value)).cloned().unwrap_or(Value::UNDEFINED)
}

fn says_something(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None | ValueKind::Invalid => false,
        ValueKind::String => value.as_str().is_some_and(|text| !text.trim().is_empty()),
        ValueKind::Seq => value.len() != Some(0),
        _ => true,
    }
}

/// What a text holds that is JSON in a string; missing where it is not JSON. Anything but a text is left as it is.
fn from_json(value: Value) -> Value {
    let Some(text) = value.as_str() else { return value };
    serde_json::from_str(text).map_or(Value::UNDEFINED, |parsed| json(&parsed))
}

/// A list of lists as one list.
fn flatten(value: Value) -> Value {
    if value.kind() != ValueKind::Seq {
        return value;
    }
    let items = value.try_iter().into_iter().flatten().flat_map(|item| match item.kind() {
        ValueKind::Seq => item.try_iter().into_iter().flatten().collect::<Vec<_>>(),
        _ => vec![item],
    });
    Value::from_iter(items.collect::<Vec<_>>())
}

/// The host of `node-3:9100`, `[::1]:9100` or `https://shop.example.com/health`; anything but a text is missing.
fn host(value: &Value) -> Value {
    let Some(text) = value.as_str() else { return Value::UNDEFINED };
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    let text = text.rsplit('@').next().unwrap_or_default();
    if let Some(bracketed) = text.strip_prefix('[') {
        return Value::from(bracketed.split(']').next().unwrap_or_default());
    }
    match text.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => {
            Value::from(name)
        }
        _ => Value::from(text),
    }
}

fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn a_missing_name_chains_and_is_false() {
        let expr =
            Expr::compile("alert.extra.deep == 'x' or alert.severity == 'high'").expect("compiles");
        assert!(
            expr.holds(&context! { alert => context! { severity => "high" } }).expect("evaluates")
        );
        assert!(
            !expr.holds(&context! { alert => context! { severity => "low" } }).expect("evaluates")
        );
        assert_eq!(expr.names(), ["alert.extra.deep", "alert.severity"]);
    }

    #[test]
    fn a_bad_text_says_where() {
        let error = Expr::compile("alert.severity == ").expect_err("half an expression");
        assert!(!error.to_string().is_empty());
    }

    #[test]
    fn fuel_stops_what_would_not_end() {
        let expr = Expr::compile("range(10000)|map('string')|join|length + range(10000)|sum")
            .expect("compiles");
        let _ = expr.value(&context! {});
    }

    #[test]
    fn a_misspelt_filter_is_found_before_the_first_alert() {
        assert!(Expr::compile("alert.hosts|frist").is_err());
        assert!(Expr::compile("alert.hosts is emtpy").is_err());
    }

    #[test]
    fn a_dotted_key_is_found_at_every_level_and_so_is_a_nested_path() {
        let body = json(&serde_json::json!({
            "kibana.alert.rule.name": "Sudo", "kibana": {"alert": {"uuid": "u1", "x.y": 1}},
            "host": {"name": "db-1", "os.name": "linux"}, "n": null,
        }));
        for (path, expected) in [
            ("kibana.alert.rule.name", "Sudo"),
            ("kibana.alert.uuid", "u1"),
            ("kibana.alert.x.y", "1"),
            ("host.name", "db-1"),
            ("host.os.name", "linux"),
            ("host.name.first", ""),
            ("n.deep", ""),
            ("", ""),
            ("...", ""),
        ] {
            assert_eq!(get(&body, path).to_string(), expected, "{path}");
        }
    }

    #[test]
    fn the_helpers_say_what_they_promise() {
        let context = context! {
            json => "{\"a\": [1, [2]]}", zero => 0, blank => " ", nested => [vec![1], vec![2, 3]]
        };
        for (text, expected) in [
            ("(json|from_json).a", "[1, [2]]"),
            ("(blank|from_json).a", ""),
            ("nested|flatten", "[1, 2, 3]"),
            ("coalesce(missing, blank, none, [], zero, 7)", "0"),
            ("'node-3:9100'|host", "node-3"),
            ("'[::1]:9100'|host", "::1"),
            ("'::1'|host", "::1"),
            ("'https://u@shop.example.com:8443/health?x=1'|host", "shop.example.com"),
            ("missing|host", ""),
            ("['10.0.0.1', 'db', 7]|select('ip')|list", "['10.0.0.1']"),
            ("missing is sequence", "False"),
            ("[] is sequence", "True"),
            ("'bea@example.com' is email and 'bea' is not email", "True"),
        ] {
            let expr = Expr::compile(text).expect(text);
            assert_eq!(expr.value(&context).expect(text).to_string(), expected, "{text}");
        }
    }
}
