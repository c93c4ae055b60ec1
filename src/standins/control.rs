//! The stand-ins from outside, for another process or a page: what is so, what was called, and what is to go wrong.
//!
//! | | |
//! | --- | --- |
//! | `GET /state` | each tool with its address, its state, what it did last, and what goes wrong with it |
//! | `GET /calls?tool=edr` | its calls, oldest first |
//! | `POST /faults` | `{"tool": "edr", "to": "changes", "fault": "lose_answer"}`; `"always": true` until `{"tool": "edr", "heal": true}`; `"keys": true` honours `Idempotency-Key` |

use super::{Call, Fault, Standin, Standins};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

/// So many of the last things that it did are told.
const LAST: usize = 20;

/// The routes; whoever serves them decides who may ask.
pub fn routes(standins: Standins) -> Router {
    Router::new()
        .route("/state", get(state))
        .route("/calls", get(calls))
        .route("/faults", post(faults))
        .with_state(standins)
}

async fn state(State(standins): State<Standins>) -> Json<Value> {
    let told = |(name, standin): (&str, &Standin)| {
        let (next, always) = standin.faults();
        let effects = standin.effects();
        let last = &effects[effects.len().saturating_sub(LAST)..];
        json!({
            "name": name, "url": standin.url(), "state": standin.state(), "effects": last,
            "calls": standin.calls().len(), "next": next, "always": always,
        })
    };
    Json(standins.all().into_iter().map(told).collect())
}

#[derive(Deserialize)]
struct Which {
    tool: String,
}

async fn calls(
    State(standins): State<Standins>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Call>>, Unknown> {
    Ok(Json(named(&standins, which.tool)?.calls()))
}

/// What is to go wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    tool: String,
    /// Which calls; any where it is missing.
    to: Option<String>,
    fault: Option<Fault>,
    #[serde(default)]
    always: bool,
    #[serde(default)]
    heal: bool,
    #[serde(default)]
    keys: bool,
}

async fn faults(
    State(standins): State<Standins>,
    Json(order): Json<Order>,
) -> Result<Json<Value>, Unknown> {
    let standin = named(&standins, order.tool)?;
    if order.heal {
        standin.heal();
    }
    if order.keys {
        standin.honour_keys();
    }
    let to = order.to.as_deref().unwrap_or("*");
    match (order.fault, order.always) {
        (Some(fault), true) => standin.fail_always(to, fault),
        (Some(fault), false) => standin.fail_next(to, fault),
        (None, _) => {}
    }
    Ok(Json(json!({"ok": true})))
}

/// No stand-in is called so.
struct Unknown(String);

impl IntoResponse for Unknown {
    fn into_response(self) -> Response {
        let words = format!("no stand-in is called {}: edr, iam, jira or github", self.0);
        (StatusCode::NOT_FOUND, Json(json!({"error": words}))).into_response()
    }
}

fn named(standins: &Standins, tool: String) -> Result<&Standin, Unknown> {
    let found = standins.all().into_iter().find(|(name, _)| *name == tool);
    found.map(|(_, standin)| standin).ok_or(Unknown(tool))
}
