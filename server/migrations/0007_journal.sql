-- Who changed what, one entry for each request that changed anything.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    customer BIGINT NOT NULL,
    actor BIGINT NOT NULL,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    target TEXT NOT NULL,
    request TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX audit_of_customer ON audit (customer, created, id);
ALTER TABLE usage ADD COLUMN audit BIGINT NOT NULL DEFAULT 0;

-- POST requests with an Idempotency-Key that were carried out, and what was answered (sealed).
CREATE TABLE replays (
    customer BIGINT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created BIGINT NOT NULL,
    answer TEXT,
    PRIMARY KEY (customer, key)
);
CREATE INDEX replays_by_age ON replays (created);
