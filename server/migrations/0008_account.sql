-- 22 digits of base 62: the id that Fastly's clients see. Empty until the server next starts.
ALTER TABLE customers ADD COLUMN public_id TEXT NOT NULL DEFAULT '';
-- What only Fastly's clients know of a customer, as JSON; what is missing has its default.
ALTER TABLE customers ADD COLUMN account TEXT NOT NULL DEFAULT '{}';
-- 0 for customers that were never changed since this column exists.
ALTER TABLE customers ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;
-- A deleted customer is unknown everywhere, but keeps its names and what it owns.
ALTER TABLE customers ADD COLUMN deleted BIGINT;
CREATE UNIQUE INDEX customers_by_public_id ON customers (public_id) WHERE public_id <> '';
