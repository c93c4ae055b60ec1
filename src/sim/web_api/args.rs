//! A call's arguments, from query string, form or JSON body alike, and its token.
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, Request};
use serde_json::{Map, Value};

use super::Refused;
use crate::sim::server;

/// Arguments by name; from a form every value is a string.
#[derive(Debug, Default)]
pub struct Args {
    fields: Map<String, Value>,
    pub token: Option<String>,
}

impl Args {
    /// Reads query, body and headers; `overlooks_json` of a method that takes none.
    pub async fn read(request: Request<Incoming>, overlooks_json: bool) -> Result<Self, Refused> {
        let headers = request.headers().clone();
        let mut args = Self::default();
        args.add_form(request.uri().query().unwrap_or_default().as_bytes());
        // A token counts in the header or in a form's body, never in JSON nor in the address:
        // https://docs.slack.dev/changelog/2020-11-no-more-tokens-in-querystrings-for-newly-created-apps
        args.fields.remove("token");
        let body = server::body(request).await;
        args.add_body(&headers, &body, overlooks_json)?;
        args.token = bearer(&headers).or(args.token);
        Ok(args)
    }

    fn add_body(
        &mut self,
        headers: &HeaderMap,
        body: &[u8],
        overlooks_json: bool,
    ) -> Result<(), Refused> {
        let kind =
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match kind.split(';').next().unwrap_or_default().trim() {
            _ if body.is_empty() => Ok(()),
            "application/json" if overlooks_json => Ok(()),
            "application/json" => match serde_json::from_slice(body) {
                Ok(Value::Object(mut fields)) => {
                    fields.remove("token");
                    self.fields.extend(fields);
                    Ok(())
                }
                Ok(_) => Err("json_not_object".into()),
                Err(_) => Err("invalid_json".into()),
            },
            "application/x-www-form-urlencoded" | "" => {
                self.add_form(body);
                let token = self.fields.remove("token");
                self.token = token.and_then(|token| token.as_str().map(ToString::to_string));
                Ok(())
            }
            _ => Err("invalid_post_type".into()),
        }
    }

    fn add_form(&mut self, form: &[u8]) {
        for (key, value) in url::form_urlencoded::parse(form) {
            self.fields.insert(key.into_owned(), Value::String(value.into_owned()));
        }
    }

    /// All arguments, for the record.
    pub fn record(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| !value.is_null())
    }

    /// A text; `None` where it is missing or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A text that must be there.
    pub fn need(&self, name: &str) -> Result<&str, Refused> {
        self.text(name)
            .ok_or_else(|| Refused::invalid(format!("[ERROR] missing required field: {name}")))
    }

    pub fn flag(&self, name: &str) -> bool {
        match self.fields.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        match self.fields.get(name)? {
            Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A list or an object, as JSON or as a string of JSON; `word` is the refusal where it is neither.
    pub fn json(&self, name: &str, word: &'static str) -> Result<Option<Value>, Refused> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => {
                serde_json::from_str(text).map(Some).map_err(|_| word.into())
            }
            Some(value) => Ok(Some(value.clone())),
        }
    }

    /// A list of ids: comma-separated, or a JSON array.
    pub fn ids(&self, name: &str) -> Vec<String> {
        match self.fields.get(name) {
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).map(ToString::to_string).collect()
            }
            Some(Value::String(text)) => text
                .split(',')
                .map(str::trim)
                .filter(|id| !id.is_empty())
                .map(ToString::to_string)
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(|token| token.trim().to_string())
}
