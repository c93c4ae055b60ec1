-- A config may come into force while the process runs: when the newest one did is one look, as it was for starts.

DROP INDEX journal_starts;
CREATE INDEX journal_configs ON journal (seq) WHERE kind IN ('started', 'configured');
