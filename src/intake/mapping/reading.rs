//! Reading a body through a mapping: helper values, the checks, the fan-out, and then field by field.

use super::field::{self, Lookup, Strictness};
use super::{Accept, Fields, Mapped, Mapping, Reading, Request, Trouble, Unreadable, time};
use crate::domain::alert::{Entities, Normalised, Status, dedup};
use crate::domain::playbook::expr::{self, Expr};
use crate::domain::time::Timestamp;
use minijinja::Value;
use minijinja::value::ValueKind;
use std::collections::BTreeMap;

/// The values that expressions see, by name.
#[derive(Clone)]
struct Scope(BTreeMap<String, Value>);

impl Scope {
    fn with(&self, names: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let mut inner = self.clone();
        inner.0.extend(names.into_iter().map(|(name, value)| (name.to_owned(), value)));
        inner
    }

    /// Adds helper values, each seeing those before it; one that cannot be computed is missing.
    fn compute(&mut self, lets: &[(String, Expr)]) {
        for (name, expr) in lets {
            let value = expr.value(&self.value()).unwrap_or(Value::UNDEFINED);
            self.0.insert(name.clone(), value);
        }
    }

    fn value(&self) -> Value {
        Value::from(self.0.clone())
    }
}

/// One alert's part of the body: how an error calls it (`alerts[2]`, empty for a body without fan-out), and what it is in.
struct Item {
    path: String,
    value: Value,
    parent: Value,
}

impl Mapping {
    /// Reads a body: its alerts, or why it is none of this source's.
    pub fn read(&self, request: &Request<'_>) -> Result<Reading, Unreadable> {
        let bytes = request.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(request.body);
        let json: serde_json::Value = serde_json::from_slice(bytes)
            .map_err(|error| unreadable("body", format!("is not JSON: {error}")))?;
        let body = expr::json(&json);
        let headers = Value::from(request.headers.clone());
        let mut scope = Scope(BTreeMap::new()).with([("body", body.clone()), ("headers", headers)]);
        let delivery =
            field::first(&self.delivery, &scope.value(), Strictness::Lenient).unwrap_or_default();
        scope.compute(&self.lets);
        accept(&self.accept, &scope.value(), "")?;
        let items = self.items(&scope, body)?;
        let whole = matches!(items.as_slice(), [only] if only.path.is_empty());
        let alerts = items.iter().filter_map(|item| {
            let alert = self.item(request.source, &scope, item).transpose()?;
            // A body that is one alert is kept as it came, to the last digit.
            let raw = if whole {
                String::from_utf8_lossy(bytes).into_owned()
            } else {
                serde_json::to_string(&item.value).unwrap_or_default()
            };
            Some(alert.map(|alert| Mapped { alert, raw }))
        });
        Ok(Reading { delivery, alerts: alerts.collect::<Result<_, _>>()? })
    }

    fn items(&self, scope: &Scope, body: Value) -> Result<Vec<Item>, Unreadable> {
        let mut items = vec![Item { path: String::new(), parent: Value::UNDEFINED, value: body }];
        for level in &self.each {
            let mut inner = Vec::new();
            for outer in items {
                let scope = scope.with([("item", outer.value.clone()), ("parent", outer.parent)]);
                let path = join(&outer.path, &level.path);
                let named = || if path.is_empty() { "body" } else { path.as_str() };
                let list = level
                    .list
                    .value(&scope.value())
                    .map_err(|error| unreadable(named(), error.to_string()))?;
                let item = |path, value| Item { path, value, parent: outer.value.clone() };
                match list.kind() {
                    ValueKind::Map => inner.push(item(path, list)),
                    ValueKind::Seq | ValueKind::Iterable => {
                        let values = list.try_iter().into_iter().flatten().enumerate();
                        inner.extend(values.map(|(i, value)| item(format!("{path}[{i}]"), value)));
                    }
                    _ => {
                        let found = field::kind(&list);
                        return Err(unreadable(
                            named(),
                            format!("is {found}, not a list of alerts"),
                        ));
                    }
                }
            }
            items = inner;
        }
        match items.iter().find(|item| item.value.kind() != ValueKind::Map) {
            None => Ok(items),
            Some(Item { path, value, .. }) => {
                let path = if path.is_empty() { "body" } else { path };
                Err(unreadable(path, format!("is {}, not an object", field::kind(value))))
            }
        }
    }

    /// The alert of one item; `None` where a variant says that it is none.
    fn item(
        &self,
        source: &str,
        scope: &Scope,
        item: &Item,
    ) -> Result<Option<Normalised>, Unreadable> {
        let names = [("item", item.value.clone()), ("parent", item.parent.clone())];
        let mut scope = scope.with(names);
        scope.compute(&self.base.lets);
        let before = scope.value();
        let variant = self.variants.iter().find(|v| v.when.holds(&before).unwrap_or(false));
        let fields = match variant {
            Some(variant) if variant.ignore => return Ok(None),
            Some(variant) => {
                scope.compute(&variant.fields.lets);
                &variant.fields
            }
            None => &self.base,
        };
        let reader = Reader { scope: scope.value(), strictness: self.strictness, path: &item.path };
        accept(&fields.accept, &reader.scope, &item.path)?;
        reader.alert(source, fields).map(Some)
    }
}

/// Reads the fields of one item.
struct Reader<'a> {
    scope: Value,
    strictness: Strictness,
    path: &'a str,
}

impl Reader<'_> {
    fn alert(&self, source: &str, fields: &Fields) -> Result<Normalised, Unreadable> {
        let title = self.text("title", &fields.title)?;
        let title = title.ok_or_else(|| self.unreadable("title", "is missing or blank"))?;
        let id = self.text("id", &fields.id)?;
        let entities = self.entities(fields)?;
        let dedup_key = self
            .text("dedup_key", &fields.dedup_key)?
            .or_else(|| id.clone())
            .unwrap_or_else(|| dedup::default_key(source, &title, &entities));
        Ok(Normalised {
            description: self.text("description", &fields.description)?,
            rule: self.text("rule", &fields.rule)?,
            severity: self.word("severity", fields.severity.as_ref())?,
            status: self.status(fields)?,
            url: self.link(fields)?,
            tactic: self.text("tactic", &fields.tactic)?,
            technique: self.text("technique", &fields.technique)?,
            occurred_at: self.time(fields)?,
            id,
            title,
            dedup_key,
            entities,
        })
    }

    fn text(&self, name: &str, exprs: &Option<Vec<Expr>>) -> Result<Option<String>, Unreadable> {
        field::first(exprs.as_deref().unwrap_or_default(), &self.scope, self.strictness)
            .map_err(|Trouble(why)| self.unreadable(name, why))
    }

    fn link(&self, fields: &Fields) -> Result<Option<String>, Unreadable> {
        for expr in fields.url.as_deref().unwrap_or_default() {
            let said = field::text(expr, &self.scope, self.strictness)
                .map_err(|Trouble(why)| self.unreadable("url", why))?;
            let Some(said) = said else { continue };
            match field::link(&said) {
                Some(link) => return Ok(Some(link)),
                None if self.strictness == Strictness::Strict => {
                    let why =
                        format!("{} is not a whole http or https address", field::shown(&said));
                    return Err(self.unreadable("url", why));
                }
                None => {}
            }
        }
        Ok(None)
    }

    fn word<T: field::Word>(
        &self,
        name: &str,
        lookup: Option<&Lookup<T>>,
    ) -> Result<T, Unreadable> {
        lookup.map_or(Ok(T::missing()), |lookup| {
            lookup
                .read(&self.scope, self.strictness)
                .map_err(|Trouble(why)| self.unreadable(name, why))
        })
    }

    fn status(&self, fields: &Fields) -> Result<Status, Unreadable> {
        match &fields.resolved {
            Some(resolved) if resolved.holds(&self.scope).unwrap_or(false) => Ok(Status::Resolved),
            Some(_) => Ok(Status::Firing),
            None => self.word("status", fields.status.as_ref()),
        }
    }

    fn entities(&self, fields: &Fields) -> Result<Entities, Unreadable> {
        let mut entities = Entities::default();
        for ((kind, values), exprs) in entities.kinds_mut().into_iter().zip(&fields.entities) {
            let exprs = exprs.as_deref().unwrap_or_default();
            *values = field::list(exprs, &self.scope, self.strictness)
                .map_err(|Trouble(why)| self.unreadable(kind, why))?;
        }
        Ok(entities)
    }

    fn time(&self, fields: &Fields) -> Result<Option<Timestamp>, Unreadable> {
        let times = fields.occurred_at.as_deref().unwrap_or_default();
        let found = times.iter().find_map(|time| time.read(&self.scope));
        if found.is_some() || self.strictness == Strictness::Lenient {
            return Ok(found);
        }
        let from: Vec<_> = times.iter().map(|time| time.from.clone()).collect();
        let Some(said) = self.text("occurred_at", &Some(from))? else { return Ok(None) };
        match time::why_not(&said) {
            None => Ok(None),
            Some(why) => {
                let why = format!("{} {why}", field::shown(&said));
                Err(self.unreadable("occurred_at", why))
            }
        }
    }

    fn unreadable(&self, name: &str, why: impl Into<String>) -> Unreadable {
        unreadable(&join(self.path, name), why)
    }
}

fn accept(checks: &[Accept], scope: &Value, path: &str) -> Result<(), Unreadable> {
    match checks.iter().find(|check| !check.when.holds(scope).unwrap_or(false)) {
        None => Ok(()),
        Some(check) => Err(unreadable(&join(path, &check.field), check.why.clone())),
    }
}

fn join(path: &str, name: &str) -> String {
    match (path.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => path.to_owned(),
        _ => format!("{path}.{name}"),
    }
}

fn unreadable(field: &str, why: impl Into<String>) -> Unreadable {
    Unreadable { field: field.to_owned(), why: why.into() }
}
