-- The first schema. The journal's shape can never change: its rows are hashed as they stand (docs/journal.md).

-- "VIGI" in the file's header: by it we know a database of ours.
PRAGMA application_id = 1447642953;

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    seq          INTEGER PRIMARY KEY,
    v            INTEGER NOT NULL,
    at           TEXT NOT NULL,
    boot         TEXT NOT NULL,
    stream       TEXT NOT NULL,
    stream_seq   INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    actor        TEXT NOT NULL,
    actor_roles  TEXT NOT NULL,
    via          TEXT NOT NULL,
    cause        TEXT,
    body         TEXT NOT NULL,
    private_hash BLOB,
    prev         BLOB NOT NULL,
    hash         BLOB NOT NULL,
    UNIQUE (stream, stream_seq)
) STRICT;

CREATE TRIGGER journal_is_never_updated BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_is_never_deleted BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- How long the config has been in force is read from the starts alone.
CREATE INDEX journal_starts ON journal (seq) WHERE kind = 'started';

-- The stream's number is checked too: INSERT OR REPLACE deletes the row it collides with, and where recursive_triggers is
-- off (any client but ours) without firing the trigger above.
CREATE TRIGGER journal_only_grows BEFORE INSERT ON journal
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
  OR NEW.prev IS NOT coalesce((SELECT hash FROM journal ORDER BY seq DESC LIMIT 1), zeroblob(32))
  OR NEW.stream_seq IS NOT (SELECT coalesce(max(stream_seq), 0) + 1 FROM journal WHERE stream = NEW.stream)
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- Names, titles, free text, raw bodies. Erasing deletes content and salt; the journal's private_hash stays.
CREATE TABLE private (
    seq     INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    salt    BLOB,
    content TEXT
) STRICT;

-- Deliveries that were answered, so that the same one gets the same answer. Kept for 7 days.
CREATE TABLE inputs (
    key    TEXT PRIMARY KEY,
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    answer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX inputs_by_age ON inputs (at);

-- Projections: folded from the journal, dropped and replayed by `vigie audit rebuild`.

CREATE TABLE alerts (
    id              TEXT PRIMARY KEY,
    received_seq    INTEGER NOT NULL,
    as_of           INTEGER NOT NULL,
    fingerprint     TEXT NOT NULL,
    source          TEXT NOT NULL,
    source_id       TEXT,
    rule            TEXT,
    title           TEXT,
    severity        TEXT NOT NULL,
    status          TEXT NOT NULL,
    state           TEXT NOT NULL,
    team            TEXT,
    route           TEXT NOT NULL,
    channel         TEXT,
    message_ts      TEXT,
    not_shown       TEXT,
    displaced       TEXT,
    test            INTEGER NOT NULL,
    hosts           TEXT NOT NULL,
    users           TEXT NOT NULL,
    ips             TEXT NOT NULL,
    occurred_at     TEXT,
    received_at     TEXT NOT NULL,
    shown_at        TEXT,
    suppressed_by   TEXT,
    assignee        TEXT,
    acknowledged_at TEXT,
    acknowledged_by TEXT,
    held_at         TEXT,
    held_by         TEXT,
    resolved_at     TEXT,
    resolved_by     TEXT,
    disposition     TEXT,
    note            TEXT,
    treated         INTEGER NOT NULL,
    last_seen       TEXT NOT NULL,
    occurrences     INTEGER NOT NULL,
    notifications   INTEGER NOT NULL,
    life            INTEGER NOT NULL,
    ladder          TEXT NOT NULL,
    copies          TEXT NOT NULL,
    also_about      TEXT NOT NULL,
    previous_alert  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_by_fingerprint ON alerts (fingerprint, received_seq);
CREATE INDEX alerts_by_time ON alerts (received_at);
CREATE INDEX alerts_live ON alerts (received_at) WHERE state <> 'resolved';
CREATE INDEX alerts_pending ON alerts (received_at) WHERE shown_at IS NULL AND suppressed_by IS NULL;
CREATE INDEX alerts_by_place ON alerts (channel, message_ts) WHERE state <> 'resolved' AND message_ts IS NOT NULL;
CREATE INDEX alerts_untreated ON alerts (received_at) WHERE treated = 0 AND suppressed_by IS NULL;

CREATE TABLE interactions (
    seq         INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    actor       TEXT NOT NULL,
    actor_roles TEXT NOT NULL,
    surface     TEXT NOT NULL,
    action      TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    alert_id    TEXT,
    run_id      TEXT,
    reason      TEXT
) STRICT;

CREATE TABLE acknowledgements (
    seq       INTEGER PRIMARY KEY,
    at        TEXT NOT NULL,
    alert_id  TEXT NOT NULL,
    person    TEXT NOT NULL,
    roles     TEXT NOT NULL,
    surface   TEXT NOT NULL,
    ended_at  TEXT,
    ended_by  TEXT,
    ended_why TEXT
) STRICT;
CREATE INDEX acknowledgements_standing ON acknowledgements (alert_id) WHERE ended_at IS NULL;

CREATE TABLE notifications (
    seq        INTEGER NOT NULL,
    target     TEXT NOT NULL,
    at         TEXT NOT NULL,
    alert_id   TEXT NOT NULL,
    round      INTEGER NOT NULL,
    level      INTEGER NOT NULL,
    channel    TEXT NOT NULL,
    message_ts TEXT NOT NULL,
    reach      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    PRIMARY KEY (seq, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX notifications_by_alert ON notifications (alert_id);
-- Which alerts a message names.
CREATE INDEX notifications_by_message ON notifications (message_ts, channel);

-- What is still to be done. `generation` counts the changes that one waiting row stands for.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY,
    merge_key  TEXT UNIQUE,
    alert_id   TEXT,
    lane       TEXT NOT NULL,
    priority   INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    effect     TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    -- It is being tried: set before the call, cleared with its outcome. Still set after a crash, it may have been done.
    tried      INTEGER NOT NULL,
    -- An earlier try may have been done.
    uncertain  INTEGER NOT NULL,
    -- Slack refused it together with others: it goes in a call of its own.
    alone      INTEGER NOT NULL,
    -- It can only be done once the alert's message stands; parked while it does not.
    in_thread  INTEGER NOT NULL,
    parked     INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_lane ON outbox (lane, priority, id) WHERE parked = 0;
CREATE INDEX outbox_by_alert ON outbox (alert_id);
CREATE INDEX outbox_by_time ON outbox (not_before);

-- When each open alert's ladder has its next step. A cache: recomputed at start.
CREATE TABLE due (
    alert_id TEXT PRIMARY KEY,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX due_by_time ON due (at);

-- What the names in the config were found to mean first: a channel or person that is renamed stays the one that was meant.
CREATE TABLE names (
    sort TEXT NOT NULL,
    name TEXT NOT NULL,
    id   TEXT NOT NULL,
    PRIMARY KEY (sort, name)
) STRICT, WITHOUT ROWID;

-- Webhook bodies that answered 422, for `vigie source test`. Bounded in count, size and age.
CREATE TABLE refused_bodies (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    source TEXT NOT NULL,
    why    TEXT NOT NULL,
    -- Of the body as it came, in bytes: where it is more than what is kept, the body was cut.
    size   INTEGER NOT NULL,
    body   BLOB NOT NULL
) STRICT;

-- Public views: an interface for auditors with any SQLite tool. Columns are only ever added.

CREATE VIEW alerts_v1 AS
SELECT id, source, source_id, rule, title, severity, status, state, team, route, channel, message_ts, test, hosts, users, ips,
       occurred_at, received_at, shown_at, suppressed_by, assignee, acknowledged_at, acknowledged_by, resolved_at,
       resolved_by, disposition, note, treated, occurrences, notifications, 0 AS runs, previous_alert
FROM alerts;

CREATE VIEW interactions_v1 AS
SELECT seq, at, actor, actor_roles, surface, action, outcome, alert_id, run_id, reason FROM interactions;

CREATE VIEW acknowledgements_v1 AS
SELECT seq, at, alert_id, person, roles, surface, ended_at, ended_by, ended_why FROM acknowledgements;

CREATE VIEW notifications_v1 AS
SELECT seq, at, alert_id, round, level, target, channel, message_ts, reach, reason FROM notifications;
