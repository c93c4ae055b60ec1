//! The way from one page of a list to the next, always on the same host.

use super::client::something;
use crate::domain::tool::PagesBy;
use crate::domain::tool::answer::Reply;
use crate::domain::tool::request::{Request, Text};
use minijinja::Value;
use url::Url;

/// How much is found at most, over all pages.
pub(super) const MOST_FOUND: usize = 5_000;

/// What leads to the next page.
pub(super) enum Next {
    Address(String),
    Parameter(String, String),
}

impl Next {
    /// What leads on from this answer, the `page`th, after which so many were found; `None` where it was the last.
    pub(super) fn after(
        by: &PagesBy,
        (reply, scope): (&Reply, &Value),
        (page, so_far): (u32, usize),
    ) -> Option<Self> {
        match by {
            PagesBy::Link => linked(reply.headers.get("link")?).map(Self::Address),
            PagesBy::Cursor { from, to } => {
                let value = something(&from.value(scope).ok()?)?;
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Some(Self::Parameter(to.clone(), text))
            }
            PagesBy::Offset { to } => Some(Self::Parameter(to.clone(), so_far.to_string())),
            PagesBy::Number { to, start } => {
                Some(Self::Parameter(to.clone(), (start + u64::from(page)).to_string()))
            }
        }
    }

    /// The request for it, from that for the page before.
    pub(super) fn of(self, before: &Request) -> Result<Request, String> {
        match self {
            Self::Parameter(name, value) => {
                let mut next = before.clone();
                next.query.retain(|(other, _)| *other != name);
                next.query.push((name, Text::plain(value)));
                Ok(next)
            }
            Self::Address(address) => {
                let parsed = (Url::parse(&address), Url::parse(&before.base));
                let (Ok(url), Ok(base)) = parsed else {
                    return Err("the address of its next page cannot be read".to_owned());
                };
                if url.origin() != base.origin() {
                    return Err("its next page is on another host".to_owned());
                }
                let segments = url.path().trim_start_matches('/').split('/');
                let query = url.query_pairs();
                Ok(Request {
                    base: url.origin().ascii_serialization(),
                    path: segments.map(Text::plain).collect(),
                    query: query
                        .map(|(name, value)| (name.into_owned(), Text::plain(value)))
                        .collect(),
                    ..before.clone()
                })
            }
        }
    }
}

/// The address with `rel="next"` of a header `Link` (RFC 8288): `<https://…?after=x>; rel="next"`.
fn linked(header: &str) -> Option<String> {
    // A comma may stand in an address; between two links it follows a parameter.
    let links = header.split(", <").map(|link| link.trim_start_matches('<'));
    links.into_iter().find_map(|link| {
        let (address, parameters) = link.split_once('>')?;
        let next = parameters.split(';').any(|parameter| {
            let parameter = parameter.trim().to_ascii_lowercase();
            matches!(parameter.trim_end_matches(','), "rel=\"next\"" | "rel=next")
        });
        next.then(|| address.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        let next = "<https://x.example.com/a?after=1,2>; rel=\"next\"";
        let own = "<https://x.example.com/a>; rel=\"self\"";
        for (header, wanted) in [
            (next.to_owned(), Some("https://x.example.com/a?after=1,2")),
            (format!("{own}, {next}"), Some("https://x.example.com/a?after=1,2")),
            (format!("{next}, {own}"), Some("https://x.example.com/a?after=1,2")),
            (own.to_owned(), None),
            ("nonsense".to_owned(), None),
        ] {
            assert_eq!(linked(&header).as_deref(), wanted, "{header}");
        }
    }
}
