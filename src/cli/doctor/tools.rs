//! The tools of playbooks: whether each lets us in.

use super::finding::Finding;
use crate::cli::connector::call;
use crate::config::Settings;
use crate::connectors::Client;
use crate::domain::ids::ToolName;
use crate::domain::tool::Tool;
use crate::domain::tool::call::Called;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// So long one of them may take.
const EACH: Duration = Duration::from_secs(10);

/// Asks every tool its harmless question, all at once.
pub(super) async fn look(settings: &Settings) -> anyhow::Result<Vec<Finding>> {
    if settings.catalogue.0.is_empty() {
        return Ok(Vec::new());
    }
    let client = call::client(settings)?;
    let all = settings.catalogue.0.iter();
    Ok(join_all(all.map(|(name, tool)| one(settings, &client, (name, tool)))).await)
}

async fn one(
    settings: &Settings,
    client: &Client,
    (name, tool): (&ToolName, &Arc<Tool>),
) -> Finding {
    let title = &tool.title;
    match timeout(EACH, call::asked(settings, client, (name, tool))).await {
        Err(_) => Finding::mend(
            "tool",
            format!("{name} ({title}) does not answer in time"),
            format!("see whether this machine reaches it; then vigie connector test {name}"),
        ),
        Ok(None) => Finding::untried(
            "tool",
            &format!("the connector of {name} has nothing harmless to ask"),
        ),
        Ok(Some(Called::Answered(_))) => {
            Finding::good("tool", format!("{name} ({title}) lets us in"))
        }
        Ok(Some(called)) => Finding::mend(
            "tool",
            format!("{name} ({title}): {}", call::why(&called)),
            format!(
                "its address, its account and their rights stand under tools.{name}; try again with vigie connector test {name}"
            ),
        ),
    }
}
