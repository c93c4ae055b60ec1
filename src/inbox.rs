//! The way in: whatever hears something holds an `Inbox`, hands its input over and waits for the commit.

use crate::domain::ids::SourceName;
use crate::domain::input::{Answer, Delivery};
use std::fmt;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// What the writer takes from its queue.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is also the usual one: a box would only cost"
)]
pub enum Item {
    /// An input, and where its answer goes after the commit.
    Input(Delivery, oneshot::Sender<Result<Answer, NotWritten>>),
    /// A webhook body that answered 422, kept for `source test`.
    Refused(RefusedBody),
    /// Answered when the writer comes to it: it advances.
    Ping(oneshot::Sender<()>),
}

/// A webhook body that is not an alert of its source.
#[derive(Clone, Debug)]
pub struct RefusedBody {
    pub source: SourceName,
    /// Which field, and why.
    pub why: String,
    pub body: Vec<u8>,
}

/// Why an input was not written. Nothing of it is on disk: the caller must not answer 2xx, nor acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWritten {
    /// The queue is full: the writer is behind. Try again after this long.
    Behind { retry_after: Duration },
    /// The store refused the write (disk full, read-only).
    Store,
    /// The process is stopping.
    Stopping,
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Behind { .. } => "the writer is behind",
            Self::Store => "the store cannot write",
            Self::Stopping => "the process is stopping",
        })
    }
}
impl std::error::Error for NotWritten {}

/// How many inputs may wait for the writer; at 3,000 a second that is over a second of work.
const QUEUE: usize = 4096;

/// A sender of inputs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Inbox {
    queue: mpsc::Sender<Item>,
}

/// The writer's end.
pub type Queue = mpsc::Receiver<Item>;

/// A new way in, and the end that the writer reads.
pub fn open() -> (Inbox, Queue) {
    let (queue, receiver) = mpsc::channel(QUEUE);
    (Inbox { queue }, receiver)
}

impl Inbox {
    /// Hands an input over and waits until it is on disk. A full queue answers at once: the caller can say "later".
    pub async fn offer(&self, delivery: Delivery) -> Result<Answer, NotWritten> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Item::Input(delivery, reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                NotWritten::Behind { retry_after: Duration::from_secs(1) }
            }
            mpsc::error::TrySendError::Closed(_) => NotWritten::Stopping,
        })?;
        answer.await.unwrap_or(Err(NotWritten::Stopping))
    }

    /// Like `offer`, but waits for room: for inputs of our own making (moments, outcomes), which nobody would send again.
    pub async fn submit(&self, delivery: Delivery) -> Result<Answer, NotWritten> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Item::Input(delivery, reply)).await.map_err(|_| NotWritten::Stopping)?;
        answer.await.unwrap_or(Err(NotWritten::Stopping))
    }

    /// Whether the writer advances: waits until it comes to this.
    pub async fn ping(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Item::Ping(reply)).await.is_ok() && answer.await.is_ok()
    }

    /// Keeps a refused body, if there is room: it is a help, not a promise.
    pub fn keep(&self, refused: RefusedBody) {
        let _ = self.queue.try_send(Item::Refused(refused));
    }
}
