-- What all processes on this database share besides it, in one row.
CREATE TABLE installation (
    one BIGINT PRIMARY KEY,
    -- What tells the object storage from all others.
    objects TEXT NOT NULL,
    -- A text that only the right secret key opens.
    sealed TEXT NOT NULL
);
