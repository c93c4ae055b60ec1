//! The journal: an append-only chain of entries, each committing to the one before it and to its private content.
//!
//! The leaf's encoding is fixed for ever (`docs/journal.md`); it never depends on how a library prints JSON.

use crate::domain::event::{Entry, Event, Fact, Private, Stream};
use crate::domain::ids::{AlertId, BootId, JournalId, RunId};
use crate::domain::people::{Actor, Roles, Surface};
use crate::domain::time::Timestamp;
use crate::store::{from_json, time, to_json, unreadable};
use rusqlite::{Connection, OptionalExtension, named_params};
use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// What the first entry's `prev` holds.
pub const ORIGIN: Hash = [0; 32];

/// The format that this release writes.
const VERSION: i64 = 1;

/// The chain's end: what the next entry builds on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub journal: JournalId,
    pub seq: i64,
    pub hash: Hash,
}

/// What stands around a fact in its entry.
#[derive(Debug)]
pub struct Circumstances<'a> {
    pub at: Timestamp,
    pub boot: &'a BootId,
    pub actor: &'a Actor,
    pub roles: &'a Roles,
    pub via: Surface,
    /// The delivery that brought it about.
    pub cause: Option<&'a str>,
    /// For the private content's commitment: 16 random bytes, never used twice.
    pub salt: [u8; 16],
}

/// One row as it stands, before anyone believes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub seq: i64,
    pub v: i64,
    pub at: String,
    pub boot: String,
    pub stream: String,
    pub stream_seq: i64,
    pub kind: String,
    pub actor: String,
    pub actor_roles: String,
    pub via: String,
    pub cause: Option<String>,
    pub body: String,
    pub private_hash: Option<Vec<u8>>,
    pub prev: Vec<u8>,
    pub hash: Vec<u8>,
    pub private: Kept,
}

/// What stands in `private` for an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// No row: the entry never had private content.
    Nothing,
    /// The row without salt and content: they were erased.
    Erased { subject: String },
    /// Whose it is, with what the entry commits to.
    Whole { subject: String, salt: Vec<u8>, content: String },
    /// Salt or content alone, which nobody of ours leaves: the content is not to be believed.
    Half,
}

impl Row {
    /// The leaf: SHA-256(0x00, "vigie/1", journal id, prev, fields), where every part but the first two is preceded by its
    /// length (8 bytes, big endian), a missing one by 2^64-1, and numbers are 8 bytes big endian.
    pub fn leaf(&self, journal: &JournalId) -> Hash {
        let mut sha = Sha256::new();
        sha.update([0]);
        sha.update("vigie/1");
        let numbers = [self.seq, self.v, self.stream_seq].map(i64::to_be_bytes);
        let parts: [Option<&[u8]>; 15] = [
            Some(journal.as_str().as_bytes()),
            Some(&self.prev),
            Some(&numbers[0]),
            Some(&numbers[1]),
            Some(self.at.as_bytes()),
            Some(self.boot.as_bytes()),
            Some(self.stream.as_bytes()),
            Some(&numbers[2]),
            Some(self.kind.as_bytes()),
            Some(self.actor.as_bytes()),
            Some(self.actor_roles.as_bytes()),
            Some(self.via.as_bytes()),
            self.cause.as_deref().map(str::as_bytes),
            Some(self.body.as_bytes()),
            self.private_hash.as_deref(),
        ];
        for part in parts {
            match part {
                Some(bytes) => {
                    sha.update((bytes.len() as u64).to_be_bytes());
                    sha.update(bytes);
                }
                None => sha.update(u64::MAX.to_be_bytes()),
            }
        }
        sha.finalize().into()
    }

    /// What it says, for `apply`.
    pub fn entry(&self) -> rusqlite::Result<Entry> {
        let private = match &self.private {
            Kept::Whole { content, .. } => Some(from_json::<Private>(content)?),
            Kept::Nothing | Kept::Erased { .. } | Kept::Half => None,
        };
        Ok(Entry {
            seq: self.seq,
            at: Timestamp::parse(&self.at)
                .ok_or_else(|| unreadable(format!("at: {:?}", self.at)))?,
            stream: stream(&self.stream),
            actor: Actor::parse(&self.actor),
            roles: Roles::parse(&self.actor_roles),
            via: Surface::parse(&self.via)
                .ok_or_else(|| unreadable(format!("via: {:?}", self.via)))?,
            event: event(&self.kind, &self.body)?,
            private,
        })
    }
}

/// The commitment to private content: SHA-256(salt, content).
pub fn commitment(salt: &[u8], content: &str) -> Hash {
    Sha256::new().chain_update(salt).chain_update(content).finalize().into()
}

fn stream(text: &str) -> Stream {
    if text == Stream::System.as_str() {
        Stream::System
    } else if text.starts_with("run_") {
        Stream::Run(RunId::from(text))
    } else {
        Stream::Alert(AlertId::from(text))
    }
}

/// Splits an event into its kind and body, as they stand in the journal.
fn kind_and_body(event: &Event) -> (String, String) {
    let text = to_json(event);
    let rest = text.strip_prefix(r#"{"kind":""#).expect("serde writes the tag first");
    let (kind, rest) = rest.split_once('"').expect("the kind ends");
    let body = rest
        .strip_prefix(r#","body":"#)
        .and_then(|body| body.strip_suffix('}'))
        .expect("then the content");
    (kind.to_owned(), body.to_owned())
}

/// Reads an event from its kind and body.
pub fn event(kind: &str, body: &str) -> rusqlite::Result<Event> {
    let kind = serde_json::Value::from(kind);
    from_json(&format!(r#"{{"kind":{kind},"body":{body}}}"#))
}

/// Appends one fact to its stream and moves `head` on. The caller's savepoint decides whether both stay.
pub fn append(
    connection: &Connection,
    head: &mut Head,
    (stream, fact): (&Stream, &Fact),
    around: &Circumstances<'_>,
) -> rusqlite::Result<Entry> {
    let content = fact.private.as_ref().map(to_json);
    let (kind, body) = kind_and_body(&fact.event);
    let mut row = Row {
        seq: head.seq + 1,
        v: VERSION,
        at: around.at.to_string(),
        boot: around.boot.to_string(),
        stream: stream.as_str().to_owned(),
        stream_seq: match &fact.event {
            // A reception begins its stream: most entries of a storm need no look.
            Event::Received(_) => 1,
            _ => next_of_stream(connection, stream)?,
        },
        kind,
        actor: around.actor.to_string(),
        actor_roles: around.roles.to_string(),
        via: around.via.as_str().to_owned(),
        cause: around.cause.map(str::to_owned),
        body,
        private_hash: content.as_ref().map(|text| commitment(&around.salt, text).to_vec()),
        prev: head.hash.to_vec(),
        hash: Vec::new(),
        private: Kept::Nothing,
    };
    let hash = row.leaf(&head.journal);
    row.hash = hash.to_vec();
    insert(connection, &row)?;
    if let Some(content) = &content {
        insert_private(connection, (row.seq, around.actor), &around.salt, content)?;
    }
    head.seq = row.seq;
    head.hash = hash;
    Ok(Entry {
        seq: row.seq,
        at: around.at,
        stream: stream.clone(),
        actor: around.actor.clone(),
        roles: around.roles.clone(),
        via: around.via,
        event: fact.event.clone(),
        private: fact.private.clone(),
    })
}

fn next_of_stream(connection: &Connection, stream: &Stream) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "SELECT coalesce(max(stream_seq), 0) + 1 FROM journal WHERE stream = :stream",
        )?
        .query_row(named_params! {":stream": stream.as_str()}, |row| row.get(0))
}

fn insert(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO journal (seq, v, at, boot, stream, stream_seq, kind, actor, actor_roles, via, cause, body,
                                  private_hash, prev, hash)
             VALUES (:seq, :v, :at, :boot, :stream, :stream_seq, :kind, :actor, :actor_roles, :via, :cause, :body,
                     :private_hash, :prev, :hash)",
        )?
        .execute(named_params! {
            ":seq": row.seq, ":v": row.v, ":at": row.at, ":boot": row.boot, ":stream": row.stream,
            ":stream_seq": row.stream_seq, ":kind": row.kind, ":actor": row.actor,
            ":actor_roles": row.actor_roles, ":via": row.via, ":cause": row.cause, ":body": row.body,
            ":private_hash": row.private_hash, ":prev": row.prev, ":hash": row.hash,
        })
        .map(|_| ())
}

fn insert_private(
    connection: &Connection,
    (seq, subject): (i64, &Actor),
    salt: &[u8],
    content: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO private (seq, subject, salt, content) VALUES (:seq, :subject, :salt, :content)",
        )?
        .execute(named_params! {
            ":seq": seq, ":subject": subject.to_string(), ":salt": salt, ":content": content,
        })
        .map(|_| ())
}

/// The chain's end as it stands on disk; `None` for a journal that has not been opened.
pub fn head(connection: &Connection) -> rusqlite::Result<Option<Head>> {
    let Some(journal) = journal_id(connection)? else { return Ok(None) };
    connection
        .prepare_cached("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok(Head { journal, seq: row.get(0)?, hash: row.get(1)? }))
        .map(Some)
}

/// The hash of entry `seq`, where there is one.
pub fn hash_of(connection: &Connection, seq: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT hash FROM journal WHERE seq = :seq")?
        .query_row(named_params! {":seq": seq}, |row| row.get(0))
        .optional()
}

/// The journal's id, from its first entry.
pub fn journal_id(connection: &Connection) -> rusqlite::Result<Option<JournalId>> {
    let first: Option<(String, String)> = connection
        .prepare_cached("SELECT kind, body FROM journal WHERE seq = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(first.map(|(kind, body)| event(&kind, &body)).transpose()?.and_then(opened))
}

/// The journal's id, where the event is the one that opens it.
pub fn opened(event: Event) -> Option<JournalId> {
    match event {
        Event::JournalOpened { journal_id, .. } => Some(journal_id),
        _ => None,
    }
}

/// The last entry's number and the start of the process that wrote it.
pub fn last_writer(connection: &Connection) -> rusqlite::Result<Option<(i64, BootId)>> {
    connection
        .prepare_cached("SELECT seq, boot FROM journal ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, BootId::new(row.get::<_, String>(1)?))))
        .optional()
}

/// The latest time of the last entries. What was written down afterwards is older than what stands before it.
pub fn last_time(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached(
            "SELECT max(at) AS at FROM (SELECT at FROM journal ORDER BY seq DESC LIMIT 1024)",
        )?
        .query_row([], |row| time(row, "at"))
}

/// Hands each entry to `each` with its number, in order, without holding more than one. What somebody has made unreadable
/// (text that is not UTF-8, for instance) is handed over as its error.
pub fn walk(
    connection: &Connection,
    mut each: impl FnMut(i64, rusqlite::Result<Row>) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT j.seq, j.v, j.at, j.boot, j.stream, j.stream_seq, j.kind, j.actor, j.actor_roles, j.via, j.cause, j.body,
                j.private_hash, j.prev, j.hash, p.seq AS private_seq, p.subject, p.salt, p.content
         FROM journal j LEFT JOIN private p ON p.seq = j.seq WHERE j.seq >= 1 ORDER BY j.seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !each(row.get("seq")?, read(row))? {
            break;
        }
    }
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        seq: row.get("seq")?,
        v: row.get("v")?,
        at: row.get("at")?,
        boot: row.get("boot")?,
        stream: row.get("stream")?,
        stream_seq: row.get("stream_seq")?,
        kind: row.get("kind")?,
        actor: row.get("actor")?,
        actor_roles: row.get("actor_roles")?,
        via: row.get("via")?,
        cause: row.get("cause")?,
        body: row.get("body")?,
        private_hash: row.get("private_hash")?,
        prev: row.get("prev")?,
        hash: row.get("hash")?,
        private: kept(row)?,
    })
}

fn kept(row: &rusqlite::Row<'_>) -> rusqlite::Result<Kept> {
    if row.get::<_, Option<i64>>("private_seq")?.is_none() {
        return Ok(Kept::Nothing);
    }
    let subject = row.get("subject")?;
    Ok(match (row.get("salt")?, row.get("content")?) {
        (Some(salt), Some(content)) => Kept::Whole { subject, salt, content },
        (None, None) => Kept::Erased { subject },
        (Some::<Vec<u8>>(_), None) | (None, Some::<String>(_)) => Kept::Half,
    })
}

/// The lowest number of a row that stands where no entry can: before the first, or private content of no entry.
pub fn stray(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.query_row(
        "SELECT min(seq) FROM (
             SELECT seq FROM journal WHERE seq < 1
             UNION ALL SELECT seq FROM private WHERE seq NOT IN (SELECT seq FROM journal))",
        [],
        |row| row.get(0),
    )
}
