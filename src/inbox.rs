//! The way in: whatever hears something holds an `Inbox`, hands its input over and waits for the commit.

use crate::domain::effect::EffectId;
use crate::domain::ids::SourceName;
use crate::domain::input::{Answer, Delivery};
use crate::domain::names::Meaning;
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
    /// Outbox rows whose calls are about to be made: noted before they are, so that after a crash it is known which may have
    /// happened.
    Try(Vec<EffectId>, oneshot::Sender<Result<(), NotWritten>>),
    /// What names of the config were found to mean.
    Named(Vec<Meaning>),
    /// A frame of Slack's that was not understood, kept for `source kept`.
    Strange(StrangeFrame),
    /// Answered when the writer comes to it and could write.
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

/// A frame of Slack's that was not understood, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrangeFrame {
    /// What was new about it: `event:team_rename`, `interaction:block_suggestion`, `unparsable`.
    pub kind: String,
    pub frame: String,
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
pub const QUEUE: usize = 4096;
/// Of more inputs than the queue holds, so many are offered at a time: others find room between them.
const SLICE: usize = 256;

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
        self.queue.try_send(Item::Input(delivery, reply)).map_err(no_room)?;
        answer.await.unwrap_or(Err(NotWritten::Stopping))
    }

    /// Offers what came as one. Where the queue has no room for all of it nothing is taken, so that a second try finds
    /// nothing half done. More than the queue can ever hold waits for room, slice by slice.
    pub async fn offer_all(
        &self,
        mut deliveries: impl ExactSizeIterator<Item = Delivery>,
    ) -> Result<Vec<Answer>, NotWritten> {
        let count = deliveries.len();
        if count <= QUEUE {
            let room = self.queue.try_reserve_many(count).map_err(no_room)?;
            return answered(send(room, &mut deliveries)).await;
        }
        let mut answers = Vec::with_capacity(count);
        while deliveries.len() > 0 {
            let slice = deliveries.len().min(SLICE);
            let room = self.queue.reserve_many(slice).await.map_err(|_| NotWritten::Stopping)?;
            answers.extend(answered(send(room, &mut deliveries)).await?);
        }
        Ok(answers)
    }

    /// Like `offer`, but waits for room: for inputs of our own making (moments, outcomes), which nobody would send again.
    pub async fn submit(&self, delivery: Delivery) -> Result<Answer, NotWritten> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Item::Input(delivery, reply)).await.map_err(|_| NotWritten::Stopping)?;
        answer.await.unwrap_or(Err(NotWritten::Stopping))
    }

    /// Notes that these outbox rows are about to be tried, and waits until that is on disk.
    pub async fn note_tries(&self, rows: Vec<EffectId>) -> Result<(), NotWritten> {
        let (reply, noted) = oneshot::channel();
        self.queue.send(Item::Try(rows, reply)).await.map_err(|_| NotWritten::Stopping)?;
        noted.await.unwrap_or(Err(NotWritten::Stopping))
    }

    /// Whether the writer advances and the disk takes what it writes: waits until it comes to this.
    pub async fn ping(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Item::Ping(reply)).await.is_ok() && answer.await.is_ok()
    }

    /// Keeps what names were found to mean; where there is no room, they are found again after the next start.
    pub fn name(&self, meanings: Vec<Meaning>) {
        let _ = self.queue.try_send(Item::Named(meanings));
    }

    /// Keeps a refused body, if there is room: it is a help, not a promise.
    pub fn keep(&self, refused: RefusedBody) {
        let _ = self.queue.try_send(Item::Refused(refused));
    }

    /// The same for a frame that was not understood.
    pub fn keep_frame(&self, strange: StrangeFrame) {
        let _ = self.queue.try_send(Item::Strange(strange));
    }
}

fn no_room<T>(error: mpsc::error::TrySendError<T>) -> NotWritten {
    match error {
        mpsc::error::TrySendError::Full(_) => {
            NotWritten::Behind { retry_after: Duration::from_secs(1) }
        }
        mpsc::error::TrySendError::Closed(_) => NotWritten::Stopping,
    }
}

type Waiting = oneshot::Receiver<Result<Answer, NotWritten>>;

/// Fills the room with the next deliveries.
fn send(
    room: mpsc::PermitIterator<'_, Item>,
    deliveries: &mut impl Iterator<Item = Delivery>,
) -> Vec<Waiting> {
    room.zip(deliveries)
        .map(|(place, delivery)| {
            let (reply, answer) = oneshot::channel();
            place.send(Item::Input(delivery, reply));
            answer
        })
        .collect()
}

async fn answered(waiting: Vec<Waiting>) -> Result<Vec<Answer>, NotWritten> {
    let mut answers = Vec::with_capacity(waiting.len());
    for answer in waiting {
        answers.push(answer.await.unwrap_or(Err(NotWritten::Stopping))?);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::input::{Input, Moment};
    use crate::domain::time::Timestamp;

    fn some(count: usize) -> impl ExactSizeIterator<Item = Delivery> {
        let stopping = || Input::Moment(Moment::Stopping);
        (0..count).map(move |_| Delivery {
            key: None,
            at: Timestamp::from_millis(0),
            input: stopping(),
        })
    }

    #[tokio::test]
    async fn what_came_as_one_is_taken_whole_or_not_at_all() {
        let (inbox, mut queue) = open();
        let waiting = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.offer_all(some(QUEUE - 3)).await }
        });
        while queue.len() < QUEUE - 3 {
            tokio::task::yield_now().await;
        }
        let behind = NotWritten::Behind { retry_after: Duration::from_secs(1) };
        assert_eq!(inbox.offer_all(some(4)).await, Err(behind));
        assert_eq!(queue.len(), QUEUE - 3, "nothing of it was taken");
        queue.close();
        while queue.try_recv().is_ok() {}
        assert_eq!(waiting.await.expect("no panic"), Err(NotWritten::Stopping));
        assert_eq!(inbox.offer_all(some(1)).await, Err(NotWritten::Stopping));
    }

    #[tokio::test]
    async fn more_than_the_queue_holds_leaves_room_for_others() {
        let (inbox, mut queue) = open();
        let offering = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.offer_all(some(QUEUE + 10)).await }
        });
        let mut taken = 0;
        while taken < QUEUE + 10 {
            let Some(Item::Input(_, reply)) = queue.recv().await else { panic!("an input") };
            assert!(queue.len() < SLICE);
            let _ = reply.send(Ok(Answer::Done));
            taken += 1;
        }
        let answers = offering.await.expect("no panic").expect("all on disk");
        assert_eq!(answers.len(), QUEUE + 10);
        assert_eq!(inbox.offer_all(some(0)).await, Ok(Vec::new()));
    }
}
