//! How many sockets Slack counts for the app, heard on one that is opened for a moment: for a look at a bot that does not run.

use crate::slack::api::Api;
use crate::slack::failure::Failure;
use crate::slack::socket::session::Head;
use crate::slack::socket::{SocketSettings, open};
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// Opens a socket, hears Slack's hello, and closes it. The count holds this one; `None` where the hello names none. Never call it
/// beside a bot: Slack may give this socket a click in that moment, and nobody acknowledges it.
pub async fn count(api: &Api, settings: &SocketSettings) -> Result<Option<u64>, Failure> {
    // tokio-tungstenite takes the process's provider; where main has set one already, that one stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut socket = open(api, settings.upgrade).await?;
    let hello = async {
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            match Head::read(&text) {
                Head::Hello { connections } => return Ok(connections),
                Head::Disconnect { reason } => return Err(refused(&reason)),
                Head::Other => {}
            }
        }
        Err(Failure::Uncertain { why: "the socket closed before Slack said hello".to_owned() })
    };
    let heard = timeout(settings.hello, hello).await;
    let _ = timeout(settings.hello, socket.close(None)).await;
    heard.unwrap_or_else(|_| {
        Err(Failure::Uncertain { why: "Slack did not say hello on the socket".to_owned() })
    })
}

/// Slack's reason for a `disconnect` is a word of its own, like that of a refused call.
fn refused(reason: &str) -> Failure {
    Failure::of_word("apps.connections.open", reason, &serde_json::Value::Null)
}
