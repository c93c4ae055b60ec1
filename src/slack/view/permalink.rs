//! The address of a message, made from the workspace's own: no call for it, and nothing in it that could end a link.

use crate::domain::alert::lifecycle::Posted;
use crate::slack::view::mrkdwn::is_id;
use url::Url;

/// `https://acme.slack.com/archives/C0SOC/p1732500000000100`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permalink(String);

impl Permalink {
    /// The address of a message in the workspace whose own address is this (`auth.test`'s `url`).
    pub fn of(posted: &Posted, workspace: &str) -> Option<Self> {
        let workspace = Url::parse(workspace).ok()?;
        let (scheme, host) = (workspace.scheme(), workspace.host_str()?);
        let port = workspace.port().map(|port| format!(":{port}")).unwrap_or_default();
        let stamp: String = posted.ts.as_str().chars().filter(|c| *c != '.').collect();
        let link = format!("{scheme}://{host}{port}/archives/{}/p{stamp}", posted.channel);
        is_permalink(&link).then_some(Self(link))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is such an address, and so can stand in a link.
pub fn is_permalink(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some((host, path)) = rest.and_then(|rest| rest.split_once("/archives/")) else {
        return false;
    };
    let Some((channel, stamp)) = path.split_once("/p") else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    !host.is_empty()
        && host.chars().all(plain)
        && is_id(channel, &['C', 'G', 'D'])
        && (2..=20).contains(&stamp.len())
        && stamp.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_made_of_good_parts_or_not_at_all() {
        let posted = |channel: &str, ts: &str| Posted { channel: channel.into(), ts: ts.into() };
        let good = posted("C0SOC", "1732500000.000100");
        let link = |posted: &Posted, workspace: &str| {
            Permalink::of(posted, workspace).map(|link| link.as_str().to_owned())
        };
        let expected = "https://acme.slack.com/archives/C0SOC/p1732500000000100";
        for workspace in ["https://acme.slack.com/", "https://acme.slack.com/<!here>|x?y"] {
            assert_eq!(link(&good, workspace).as_deref(), Some(expected), "{workspace}");
        }
        assert_eq!(
            link(&good, "http://127.0.0.1:4000").as_deref(),
            Some("http://127.0.0.1:4000/archives/C0SOC/p1732500000000100")
        );
        for workspace in ["", "javascript:alert(1)", "file:///x", "acme"] {
            assert_eq!(link(&good, workspace), None, "{workspace}");
        }
        for bad in [posted("#soc", "1.1"), posted("C0SOC", "1.x>"), posted("C0SOC", "")] {
            assert_eq!(link(&bad, "https://acme.slack.com/"), None, "{bad:?}");
        }
    }
}
