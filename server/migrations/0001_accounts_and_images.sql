-- Times are milliseconds since the Unix epoch; booleans are 0 or 1; lists are JSON text.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('customer', 0), ('batch', 100000), ('generation', 0);

CREATE TABLE customers (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL UNIQUE,
    administrator BIGINT NOT NULL,
    created BIGINT NOT NULL,
    storage_policy TEXT NOT NULL,
    last_space BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- What is shown of a customer as a number, kept in the transaction that changes it.
CREATE TABLE usage (
    customer BIGINT PRIMARY KEY,
    keys BIGINT NOT NULL,
    spaces BIGINT NOT NULL,
    images BIGINT NOT NULL,
    image_bytes BIGINT NOT NULL,
    thumbnail_bytes BIGINT NOT NULL,
    calculated BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    batches BIGINT NOT NULL,
    active_batches BIGINT NOT NULL,
    superseded_batches BIGINT NOT NULL
);

CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    customer BIGINT NOT NULL,
    secret_hash TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX keys_of_customer ON keys (customer, created, id);

CREATE TABLE spaces (
    customer BIGINT NOT NULL,
    id BIGINT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    default_tags TEXT NOT NULL,
    default_roles TEXT NOT NULL,
    max_unauthorised BIGINT NOT NULL,
    images BIGINT NOT NULL,
    image_bytes BIGINT NOT NULL,
    thumbnail_bytes BIGINT NOT NULL,
    calculated BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer, id),
    UNIQUE (customer, name)
);
CREATE INDEX spaces_by_created ON spaces (customer, created, id);

CREATE TABLE batches (
    id BIGINT PRIMARY KEY,
    customer BIGINT NOT NULL,
    submitted BIGINT NOT NULL,
    count BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    finished BIGINT,
    -- Images whose latest batch this is.
    remaining BIGINT NOT NULL,
    -- 0 active, 1 finished, 2 superseded.
    state BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX batches_of_customer ON batches (customer, id);
CREATE INDEX batches_by_state ON batches (customer, state, id);
CREATE INDEX batches_by_finished ON batches (customer, state, finished, id);

-- Everything ever submitted in a batch.
CREATE TABLE batch_members (
    batch BIGINT NOT NULL,
    space BIGINT NOT NULL,
    image TEXT NOT NULL,
    -- 0 not yet, 1 well, 2 with an error.
    ended BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (batch, space, image)
);

CREATE TABLE images (
    customer BIGINT NOT NULL,
    space BIGINT NOT NULL,
    id TEXT NOT NULL,
    created BIGINT NOT NULL,
    origin TEXT NOT NULL,
    initial_origin TEXT,
    max_unauthorised BIGINT NOT NULL,
    width BIGINT,
    height BIGINT,
    queued BIGINT,
    dequeued BIGINT,
    finished BIGINT,
    ingesting BIGINT NOT NULL,
    error TEXT NOT NULL,
    tags TEXT NOT NULL,
    roles TEXT NOT NULL,
    string1 TEXT NOT NULL,
    string2 TEXT NOT NULL,
    string3 TEXT NOT NULL,
    number1 BIGINT NOT NULL,
    number2 BIGINT NOT NULL,
    number3 BIGINT NOT NULL,
    batch BIGINT,
    media_type TEXT NOT NULL,
    family TEXT NOT NULL,
    delivery_channels TEXT,
    -- Sizes of the stored thumbnails, largest first, and the registration they were made for.
    thumbnails TEXT,
    stored_generation BIGINT,
    size BIGINT NOT NULL,
    thumbnail_size BIGINT NOT NULL,
    checked BIGINT,
    -- The registration in force; also the place in the queue.
    generation BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    -- Until when a worker holds the image, 0 when none does.
    lease BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer, space, id)
);
CREATE INDEX images_of_customer ON images (customer, created, space, id);
CREATE INDEX images_of_space ON images (customer, space, created, id);
CREATE INDEX images_of_batch ON images (batch, created, space, id) WHERE batch IS NOT NULL;
CREATE INDEX images_to_ingest ON images (priority, generation) WHERE ingesting = 1;
CREATE INDEX images_waiting ON images (customer, generation) WHERE ingesting = 1;
CREATE INDEX images_string1 ON images (customer, string1, created, space, id) WHERE string1 <> '';
CREATE INDEX images_string2 ON images (customer, string2, created, space, id) WHERE string2 <> '';
CREATE INDEX images_string3 ON images (customer, string3, created, space, id) WHERE string3 <> '';
CREATE INDEX images_number1 ON images (customer, number1, created, space, id) WHERE number1 <> 0;
CREATE INDEX images_number2 ON images (customer, number2, created, space, id) WHERE number2 <> 0;
CREATE INDEX images_number3 ON images (customer, number3, created, space, id) WHERE number3 <> 0;
