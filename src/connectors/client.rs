//! One call of an action: what it asks first, its request, further pages, and what is waited for; all within the time it has.

use super::outgoing::outgoing;
use super::pages::{MOST_FOUND, Next};
use super::wire::{self, Content, Transport};
use crate::clock::Clock;
use crate::domain::ids::{ActionName, ToolName};
use crate::domain::tool::answer::{Reply, Seen, unreadable};
use crate::domain::tool::call::{Called, Failed, Permit, Unsure, Why};
use crate::domain::tool::request::Request;
use crate::domain::tool::uses::plain;
use crate::domain::tool::{Action, First, Pages, Poll, Risk, Tool, Values};
use minijinja::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// The connections of all tools, by the names that the config gives them.
pub type Lines = BTreeMap<ToolName, Line>;

/// A tool's connection, and the same for requests that do not show who we are.
#[derive(Debug)]
pub struct Line {
    /// A read that shows whether the connection works.
    pub test: Option<ActionName>,
    pub named: wire::Connection,
    pub anonymous: wire::Connection,
}

/// Makes calls.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    lines: Arc<Lines>,
    clock: Clock,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("lines", &self.lines).finish_non_exhaustive()
    }
}

/// What was done, or why not: the second ends a call early.
type Outcome<T> = Result<T, Called>;

impl Client {
    /// Calls over this transport. Where the config changes, another client takes the same one.
    pub fn new(transport: Arc<Transport>, lines: Arc<Lines>, clock: Clock) -> Self {
        Self { transport, lines, clock }
    }

    /// Makes the call that is permitted, once.
    pub async fn call(&self, permit: &Permit) -> Called {
        match self.called(permit).await {
            Ok(called) | Err(called) => called,
        }
    }

    async fn called(&self, permit: &Permit) -> Outcome<Called> {
        let (tool, action) = (permit.tool(), permit.action());
        let deadline = self.clock.instant() + permit.timeout();
        let with = action.inputs(permit.with()).map_err(refused)?;
        let mut requests = tool.requests(action, &with).map_err(refused)?;
        let last = requests.pop().ok_or_else(|| refused("it makes no request"))?;
        let line = self.lines.get(&tool.name);
        let line = line.ok_or_else(|| refused(format!("`{}` is not connected", tool.name)))?;
        let key = Some(permit.key()).filter(|key| !key.is_empty());
        let later = key.map(|key| ("key".to_owned(), Json::from(key))).into_iter().collect();
        let (risk, seen) = (action.risk_of(&with), tool.seen(&with));
        let mut call = Call { client: self, line, tool, action, with, risk, seen, later, deadline };
        for (first, request) in action.first.iter().zip(&requests) {
            if let Some(nothing) = call.first(first, request).await? {
                return Ok(nothing);
            }
        }
        call.itself(&last).await
    }
}

/// One call that is under way.
struct Call<'a> {
    client: &'a Client,
    line: &'a Line,
    tool: &'a Tool,
    action: &'a Action,
    with: Values,
    risk: Risk,
    seen: Seen,
    /// What earlier answers gave, by the names of their slots.
    later: Values,
    deadline: Instant,
}

impl Call<'_> {
    /// A read that comes before; what it gives takes its slots. Where it gives nothing, the call is over.
    async fn first(&mut self, first: &First, request: &Request) -> Outcome<Option<Called>> {
        let reply = self.look(request).await?;
        let scope = reply.scope(&self.seen);
        for (name, expr) in &first.lets {
            let value = expr.value(&scope).map_err(|why| unreadable(format!("`{name}`: {why}")))?;
            match something(&value) {
                Some(value) => {
                    if first.secret {
                        self.client.transport.learn(&value);
                    }
                    self.later.insert(name.clone(), value);
                }
                None if self.action.finds && value.is_undefined() => {
                    return Err(unreadable(format!("there is no `{}` in it", expr.text())));
                }
                None if self.action.finds => {
                    let nothing = Some((Vec::new(), false));
                    return Ok(Some(self.action.keep(&self.seen, &reply, nothing)));
                }
                None => {
                    let said = first.missing.as_ref().and_then(|said| said.value(&scope).ok());
                    let said = said.as_ref().and_then(Json::as_str).map(str::to_owned);
                    return Err(refused(said.unwrap_or_else(|| format!("there is no `{name}`"))));
                }
            }
        }
        Ok(None)
    }

    /// The request that the action is for.
    async fn itself(&mut self, request: &Request) -> Outcome<Called> {
        let request = request.later(&self.later).map_err(refused)?;
        let reply = self.send(&request, self.risk).await?;
        let action = self.action;
        if action.good(&self.seen, &reply, self.risk)? {
            return Ok(action.keep_already(&self.seen, &reply));
        }
        if let Some(poll) = &action.poll {
            let reply = self.poll(poll, &reply).await.map_err(|called| begun(called, self.risk))?;
            return Ok(begun(action.keep(&self.seen, &reply, None), self.risk));
        }
        let Some(found) = action.found(&self.seen, &reply) else {
            return Ok(begun(action.keep(&self.seen, &reply, None), self.risk));
        };
        let all = match &action.pages {
            None => (found?, false),
            Some(pages) => self.pages(pages, &request, (&reply, found?)).await?,
        };
        Ok(action.keep(&self.seen, &reply, Some(all)))
    }

    /// The further pages of a list: what all of them found, and whether there are more.
    async fn pages(
        &self,
        pages: &Pages,
        request: &Request,
        (reply, mut found): (&Reply, Vec<Json>),
    ) -> Outcome<(Vec<Json>, bool)> {
        let (mut request, mut reply, mut brought) = (request.clone(), reply.clone(), found.len());
        for page in 1..=pages.most {
            let scope = reply.scope(&self.seen);
            let next = Next::after(&pages.by, (&reply, &scope), (page, found.len()));
            let Some(next) = next.filter(|_| brought > 0) else { return Ok((found, false)) };
            if page == pages.most || found.len() >= MOST_FOUND {
                break;
            }
            request = next.of(&request).map_err(unreadable)?;
            reply = self.send(&request, Risk::Read).await?;
            self.action.good(&self.seen, &reply, Risk::Read)?;
            let items = self.action.found(&self.seen, &reply).transpose()?.unwrap_or_default();
            brought = items.len();
            found.extend(items);
        }
        Ok((found, true))
    }

    /// Asks until what was begun is finished; the last answer.
    async fn poll(&mut self, poll: &Poll, begun: &Reply) -> Outcome<Reply> {
        let scope = begun.scope(&self.seen);
        for (name, expr) in &poll.lets {
            let value = expr.value(&scope).map_err(|why| unreadable(format!("`{name}`: {why}")))?;
            let value =
                something(&value).ok_or_else(|| unreadable(format!("it has no `{name}`")))?;
            self.later.insert(name.clone(), value);
        }
        let request = poll.request.fill(&self.tool.fields, &self.with).map_err(refused)?;
        let request = request.later(&self.later).map_err(refused)?;
        let end = self.deadline.min(self.client.clock.instant() + poll.within);
        loop {
            let reply = self.look(&request).await?;
            if poll.until.holds(&reply.scope(&self.seen)).unwrap_or(false) {
                return Ok(reply);
            }
            if self.client.clock.instant() + poll.every > end {
                let message = "it was not finished in time".to_owned();
                return Err(Called::Unsure { why: Unsure::TimedOut, message });
            }
            sleep(poll.every).await;
        }
    }

    /// A read beside the action's own request: any 2xx is good.
    async fn look(&self, request: &Request) -> Outcome<Reply> {
        let request = request.later(&self.later).map_err(refused)?;
        let reply = self.send(&request, Risk::Read).await?;
        self.action.good_look(&self.seen, &reply)?;
        Ok(reply)
    }

    async fn send(&self, request: &Request, risk: Risk) -> Outcome<Reply> {
        let line = if request.anonymous { &self.line.anonymous } else { &self.line.named };
        let sent = self.client.transport.send(line, &outgoing(request), self.deadline).await;
        let incoming = sent.map_err(|fault| looked(fault.called(), risk))?;
        let (status, headers, retry_after) =
            (incoming.status, incoming.headers, incoming.retry_after);
        let reply = |body| Reply { status, headers, body, retry_after };
        match incoming.content {
            Content::Empty => Ok(reply(Json::Null)),
            Content::Json(json) => Ok(reply(json)),
            Content::Text(text) => Ok(reply(text.into())),
            // What a write's status says has happened; of a read there is nothing then.
            Content::Unread(why) if risk == Risk::Read || !self.action.outputs.is_empty() => {
                let reply = reply(Json::Null);
                self.action.good(&self.seen, &reply, risk)?;
                Err(begun(unreadable(why.to_string()), risk))
            }
            Content::Unread(_) => Ok(reply(Json::Null)),
        }
    }
}

/// A look that nobody answered has done nothing.
fn looked(called: Called, risk: Risk) -> Called {
    match called {
        Called::Unsure { message, .. } if risk == Risk::Read => failed(Why::Broken, message),
        called => called,
    }
}

/// What was begun may be finished, however little is known of it.
fn begun(called: Called, risk: Risk) -> Called {
    let (why, message) = match looked(called, risk) {
        Called::Failed(failed) if risk != Risk::Read => (Unsure::Broken, failed.message),
        Called::Unsure { why, message } => (why, message),
        called => return called,
    };
    Called::Unsure {
        why,
        message: format!("it was begun, and nobody knows whether it ended: {message}"),
    }
}

fn failed(why: Why, message: String) -> Called {
    Called::Failed(Failed { why, message, retry_after_ms: None })
}

/// Nothing was asked of the tool.
fn refused(why: impl fmt::Display) -> Called {
    failed(Why::Refused, why.to_string())
}

/// A value that says something.
pub(super) fn something(value: &Value) -> Option<Json> {
    plain(value).filter(|value| match value {
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => true,
    })
}
