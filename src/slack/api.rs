//! One call of Slack's Web API: raw JSON in and out, the right token, and a time-out on every call.
//!
//! Nothing is retried here: the outbox retries, because it knows whether a message must be looked for first.

use crate::slack::closed::{self, Closed};
use crate::slack::failure::Failure;
use hyper_util::client::legacy::connect::HttpConnector;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use slack_morphism::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Where Slack's own Web API is.
pub const SLACK: &str = "https://slack.com/api/";

/// How to reach Slack.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// `https://slack.com/api/`, or another server's; with or without the slash at its end.
    pub url: String,
    /// `xoxb-…`
    pub bot_token: SecretString,
    /// `xapp-…`
    pub app_token: SecretString,
    /// How long a call may take in all.
    pub timeout: Duration,
}

impl ApiSettings {
    /// With the time-out that everyone gets: 10 s.
    pub fn new(url: &str, bot_token: SecretString, app_token: SecretString) -> Self {
        Self { url: url.to_owned(), bot_token, app_token, timeout: Duration::from_secs(10) }
    }
}

/// Slack's Web API. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    client: SlackHyperClient,
    settings: ApiSettings,
    url: Url,
    closed: Closed,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("url", &self.inner.url.as_str()).finish_non_exhaustive()
    }
}

/// A connection that does not come about in this time did not happen, and may be tried again at once.
const CONNECT: Duration = Duration::from_secs(4);

/// These take a query, not JSON: with a JSON body Slack overlooks their arguments ("Accepted content types" of each
/// method's page on docs.slack.dev).
const QUERIED: [&str; 12] = [
    "bots.info",
    "conversations.history",
    "conversations.info",
    "conversations.list",
    "conversations.replies",
    "dnd.info",
    "dnd.teamInfo",
    "usergroups.list",
    "usergroups.users.list",
    "users.info",
    "users.list",
    "users.lookupByEmail",
];

impl Api {
    /// Makes the client; nothing is sent yet. Fails where the address is none, or no CA certificates are found.
    pub fn new(settings: ApiSettings) -> Result<Self, Failure> {
        let base = settings.url.trim_end_matches('/');
        let url = Url::parse(base)
            .map_err(|error| Failure::NotSent { why: format!("slack.api_url: {error}") })?;
        let connector = SlackClientHyperConnector::from(https(url.scheme() == "https")?)
            .with_slack_api_url(base);
        let client = SlackClient::new(connector);
        let closed = Closed::default();
        Ok(Self { inner: Arc::new(Inner { client, settings, url, closed }) })
    }

    /// The server's address, to compare others with.
    pub fn url(&self) -> &Url {
        &self.inner.url
    }

    /// Calls a method with the token that it wants. The answer is Slack's, with `ok: true`. What Slack has closed for a while
    /// is not sent: it is limited still.
    pub async fn call(&self, method: &'static str, arguments: &Value) -> Result<Value, Failure> {
        let place = closed::place(method, arguments);
        if let Some(after) = self.inner.closed.left(&place) {
            return Err(Failure::RateLimited { method, after });
        }
        let judged = self.send(method, arguments).await;
        if let Err(Failure::RateLimited { after, .. }) = &judged {
            self.inner.closed.close(place, *after);
        }
        let result = judged.as_ref().map_or_else(Failure::label, |_| "ok");
        metrics::counter!("vigie_slack_calls_total", "method" => method.to_owned(), "result" => result).increment(1);
        judged
    }

    async fn send(&self, method: &'static str, arguments: &Value) -> Result<Value, Failure> {
        let token = self.token(method);
        let session = self.inner.client.open_session(&token);
        let http = &session.http_session_api;
        let answer = async {
            if !QUERIED.contains(&method) {
                return http.http_post::<_, Value>(method, arguments, None).await;
            }
            match http.http_get::<Value, _, _>(method, &query(arguments), None).await {
                // A look-alike, or a proxy, that lets no GET through.
                Err(SlackClientError::HttpError(error)) if error.status_code.as_u16() == 405 => {
                    self.post_form(method, &token, arguments).await
                }
                answered => answered,
            }
        };
        let answered = self.within(answer).await?;
        answered.map_err(|error| Failure::of_client(method, error)).and_then(judge)
    }

    async fn post_form(
        &self,
        method: &'static str,
        token: &SlackApiToken,
        arguments: &Value,
    ) -> Result<Value, SlackClientError> {
        let span = tracing::Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: Some(token),
            tracing_span: &span,
            is_sensitive_url: false,
        };
        let connector = &self.inner.client.http_api.connector;
        let (form, kind) = (form(arguments), "application/x-www-form-urlencoded".to_owned());
        let address = connector.create_method_uri_path(method)?;
        connector.http_post_uri_binary(address, kind, form.as_bytes(), context).await
    }

    /// Posts to a `response_url`: without a token, for the address is the secret, and the answer is no JSON.
    pub async fn post_url(&self, url: Url, body: &Value) -> Result<(), Failure> {
        let span = tracing::Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: None,
            tracing_span: &span,
            is_sensitive_url: true,
        };
        let connector = &self.inner.client.http_api.connector;
        let sent = connector.http_post_uri::<_, Value>(url, body, context);
        match self.within(sent).await? {
            // HTTP 200 with the text `ok` and no content type.
            Ok(_) | Err(SlackClientError::ProtocolError(_)) => Ok(()),
            Err(error) => Err(Failure::of_client("response_url", error)),
        }
    }

    async fn within<F: Future>(&self, call: F) -> Result<F::Output, Failure> {
        let limit = self.inner.settings.timeout;
        tokio::time::timeout(limit, call).await.map_err(|_| Failure::Uncertain {
            why: format!("no answer within {} s", limit.as_secs_f32()),
        })
    }

    fn token(&self, method: &str) -> SlackApiToken {
        let settings = &self.inner.settings;
        let secret = match method {
            "apps.connections.open" => &settings.app_token,
            _ => &settings.bot_token,
        };
        SlackApiToken::new(secret.expose_secret().into())
    }
}

/// The arguments as a query: text as it is, everything else as JSON writes it.
fn query(arguments: &Value) -> Vec<(&str, Option<String>)> {
    let fields = arguments.as_object().into_iter().flatten();
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    fields.map(|(name, value)| (name.as_str(), text(value))).collect()
}

/// The same as the body of a form.
fn form(arguments: &Value) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in query(arguments) {
        if let Some(value) = value {
            form.append_pair(name, &value);
        }
    }
    form.finish()
}

/// slack-morphism takes whatever has no `error` for good, a page of HTML too; good is what says `ok: true`.
fn judge(answer: Value) -> Result<Value, Failure> {
    match answer.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(answer),
        Some(false) | None => {
            Err(Failure::Uncertain { why: "Slack's answer says neither yes nor no".to_owned() })
        }
    }
}

/// HTTP/1.1 only: with HTTP/2 every call would share one connection, and hang with it when it goes dead.
fn https(with_roots: bool) -> Result<SlackHyperHttpsConnector, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = hyper_rustls::HttpsConnectorBuilder::new();
    let builder = if with_roots {
        builder.with_provider_and_native_roots(provider).map_err(|error| Failure::NotSent {
            why: format!("no CA certificates on this machine: {error}"),
        })?
    } else {
        // A local server: a machine without CA certificates must still run the demo.
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::NotSent { why: error.to_string() })?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder.with_tls_config(config)
    };
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT));
    Ok(builder.https_or_http().enable_http1().wrap_connector(http))
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
