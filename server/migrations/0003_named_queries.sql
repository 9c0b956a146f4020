CREATE TABLE named_queries (
    customer BIGINT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    global BIGINT NOT NULL,
    template TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer, id),
    UNIQUE (customer, name)
);
CREATE UNIQUE INDEX named_queries_global_name ON named_queries (name) WHERE global = 1;
CREATE UNIQUE INDEX named_queries_global_id ON named_queries (id) WHERE global = 1;
