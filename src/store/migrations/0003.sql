-- Runs of playbooks: folded from their streams, like alerts.

CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    planned_seq   INTEGER NOT NULL,
    as_of         INTEGER NOT NULL,
    alert_id      TEXT,
    playbook      TEXT NOT NULL,
    playbook_hash TEXT NOT NULL,
    plan_hash     TEXT NOT NULL,
    started_by    TEXT NOT NULL,
    approved_by   TEXT,
    planned_at    TEXT NOT NULL,
    started_at    TEXT,
    state         TEXT NOT NULL,
    finished_at   TEXT,
    -- All of it but the words of its plan, which stand beside the journal.
    run           TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_alert ON runs (alert_id, planned_seq);
CREATE INDEX runs_live ON runs (alert_id, playbook)
WHERE state IN ('waiting', 'running', 'in_doubt');

CREATE TABLE steps (
    run_id      TEXT NOT NULL,
    step        TEXT NOT NULL,
    iteration   INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    uses        TEXT,
    risk        TEXT,
    state       TEXT NOT NULL,
    started_at  TEXT,
    finished_at TEXT,
    decided_by  TEXT,
    summary     TEXT,
    PRIMARY KEY (run_id, step, iteration, attempt)
) STRICT, WITHOUT ROWID;
-- The limit on destructive steps looks at the newest of them.
CREATE INDEX steps_destructive ON steps (started_at) WHERE risk = 'destructive';

CREATE TABLE approvals (
    seq       INTEGER PRIMARY KEY,
    at        TEXT NOT NULL,
    run_id    TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    person    TEXT NOT NULL,
    roles     TEXT NOT NULL,
    surface   TEXT NOT NULL,
    decision  TEXT NOT NULL
) STRICT;

-- When each run that waits is to be looked at. A cache: recomputed at start.
CREATE TABLE run_due (
    run_id TEXT PRIMARY KEY,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX run_due_by_time ON run_due (at);

-- What playbooks found out that an alert is about too.
ALTER TABLE alerts ADD COLUMN added TEXT NOT NULL
DEFAULT '{"hosts":[],"users":[],"ips":[],"domains":[],"urls":[],"hashes":[],"emails":[],"resources":[],"repositories":[]}';
-- The worst that the source has said; a playbook may have set another severity since.
ALTER TABLE alerts ADD COLUMN said TEXT NOT NULL DEFAULT '';
UPDATE alerts SET said = severity;

CREATE VIEW runs_v1 AS
SELECT id, playbook, playbook_hash, alert_id, started_by, approved_by, plan_hash, started_at, state, finished_at FROM runs;

CREATE VIEW steps_v1 AS
SELECT run_id, step, iteration, attempt, uses, risk, state, started_at, finished_at, decided_by, summary FROM steps;

CREATE VIEW approvals_v1 AS
SELECT a.seq, a.at, a.run_id, r.alert_id, a.plan_hash, a.person, a.roles, a.surface, a.decision
FROM approvals a JOIN runs r ON r.id = a.run_id;

DROP VIEW alerts_v1;
CREATE VIEW alerts_v1 AS
SELECT id, source, source_id, rule, title, severity, status, state, team, route, channel, message_ts, test, hosts, users, ips,
       occurred_at, received_at, shown_at, suppressed_by, assignee, acknowledged_at, acknowledged_by, resolved_at,
       resolved_by, disposition, note, treated, occurrences, notifications,
       (SELECT count(*) FROM runs WHERE runs.alert_id = alerts.id AND runs.started_at IS NOT NULL) AS runs, previous_alert
FROM alerts;
