//! A request as it leaves: secrets are still slots, each spelt as its place wants it.

use super::wire::{Outgoing, Piece as Slot, Spelling, Text as Spelt};
use crate::domain::tool::request::{Body, Content, Method, Piece, Request, Text, encoded};
use serde_json::Value as Json;

/// The request for the wire. A later value that is still not known is an empty text: `Request::later` has left those out.
pub(super) fn outgoing(request: &Request) -> Outgoing {
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, text)| (name.clone(), spelt(text, &Plainly))).collect();
    let (kind, body) = match &request.body {
        Body::None => (None, None),
        Body::Json(content) => {
            let mut text = Spelt::default();
            json(content, &mut text);
            (Some("application/json"), Some(text))
        }
        Body::Form(pairs) => (Some("application/x-www-form-urlencoded"), Some(form(pairs))),
    };
    headers.extend(kind.map(|kind| ("Content-Type".to_owned(), Spelt::plain(kind))));
    Outgoing { method: method(request.method), url: url(request), headers, body }
}

fn method(method: Method) -> hyper::Method {
    match method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
        Method::Put => hyper::Method::PUT,
        Method::Patch => hyper::Method::PATCH,
        Method::Delete => hyper::Method::DELETE,
    }
}

fn url(request: &Request) -> Spelt {
    let bare = Request { query: Vec::new(), ..request.clone() };
    // The check of the files lets no secret stand in a path.
    let mut url = Spelt::plain(bare.url(&|piece| match piece {
        Piece::Plain(text) => text.clone(),
        Piece::Secret(_) | Piece::Later(_) => String::new(),
    }));
    if !request.query.is_empty() {
        url = url.and("?");
        url.0.extend(form(&request.query).0);
    }
    url
}

fn form(pairs: &[(String, Text)]) -> Spelt {
    let mut form = Spelt::default();
    for (index, (name, text)) in pairs.iter().enumerate() {
        let between = if index == 0 { "" } else { "&" };
        form = form.and(format!("{between}{}=", encoded(name)));
        form.0.extend(spelt(text, &Encoded).0);
    }
    form
}

/// How the pieces of a text are written.
trait Place {
    const SECRET: Spelling;
    fn plain(&self, text: &str) -> String;
}

struct Plainly;
struct Encoded;
struct InJson;

impl Place for Plainly {
    const SECRET: Spelling = Spelling::Plain;
    fn plain(&self, text: &str) -> String {
        text.to_owned()
    }
}

impl Place for Encoded {
    const SECRET: Spelling = Spelling::Percent;
    fn plain(&self, text: &str) -> String {
        encoded(text)
    }
}

impl Place for InJson {
    const SECRET: Spelling = Spelling::Json;
    fn plain(&self, text: &str) -> String {
        let quoted = Json::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    }
}

fn spelt<P: Place>(text: &Text, place: &P) -> Spelt {
    let piece = |piece: &Piece| match piece {
        Piece::Plain(text) => Slot::Plain(place.plain(text)),
        Piece::Secret(name) => Slot::Secret { name: name.clone(), spelling: P::SECRET },
        Piece::Later(_) => Slot::Plain(String::new()),
    };
    Spelt(text.0.iter().map(piece).collect())
}

/// Written piece by piece, so that no value can pretend to be a slot.
fn json(content: &Content, text: &mut Spelt) {
    let mut push = |part: String| text.0.push(Slot::Plain(part));
    match content {
        Content::Plain(value) => push(value.to_string()),
        Content::Later(_) => push("null".to_owned()),
        Content::Text(inner) => {
            push("\"".to_owned());
            text.0.extend(spelt(inner, &InJson).0);
            text.0.push(Slot::Plain("\"".to_owned()));
        }
        Content::List(items) => {
            push("[".to_owned());
            for (index, item) in items.iter().enumerate() {
                text.0.push(Slot::Plain(if index == 0 { "" } else { "," }.to_owned()));
                json(item, text);
            }
            text.0.push(Slot::Plain("]".to_owned()));
        }
        Content::Map(entries) => {
            push("{".to_owned());
            for (index, (name, item)) in entries.iter().enumerate() {
                let between = if index == 0 { "" } else { "," };
                text.0.push(Slot::Plain(format!("{between}{}:", Json::from(name.as_str()))));
                json(item, text);
            }
            text.0.push(Slot::Plain("}".to_owned()));
        }
    }
}
