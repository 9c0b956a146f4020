-- A customer's rules for fetching origins, tried by position, then id.
CREATE TABLE origin_strategies (
    customer BIGINT NOT NULL,
    id TEXT NOT NULL,
    regex TEXT NOT NULL,
    strategy TEXT NOT NULL,
    -- User name and password, sealed; NULL when there are none.
    credentials TEXT,
    optimised BIGINT NOT NULL,
    position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer, id),
    UNIQUE (customer, regex)
);
CREATE INDEX origin_strategies_by_position ON origin_strategies (customer, position, id);

-- The host keys that SFTP servers showed when a rule first used them.
CREATE TABLE origin_host_keys (
    customer BIGINT NOT NULL,
    origin_strategy TEXT NOT NULL,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (customer, origin_strategy, host, port)
);
