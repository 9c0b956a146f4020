-- The people of a customer. DLCS shows them as portal users, Fastly as users.
CREATE TABLE portal_users (
    customer BIGINT NOT NULL,
    id TEXT NOT NULL,
    -- 22 digits of base 62: the id that Fastly's clients see.
    public_id TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    -- Argon2id, as a PHC string.
    password_hash TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    deleted BIGINT,
    enabled BIGINT NOT NULL,
    -- The names of portal roles.
    roles TEXT NOT NULL,
    -- Empty when nobody gave one.
    name TEXT NOT NULL DEFAULT '',
    -- The role within the account, which has nothing to do with portal roles.
    role TEXT NOT NULL,
    limit_services BIGINT NOT NULL DEFAULT 0,
    locked BIGINT,
    require_new_password BIGINT,
    two_factor_auth_enabled BIGINT,
    two_factor_setup_required BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer, id)
);
CREATE UNIQUE INDEX portal_users_by_email ON portal_users (email_folded) WHERE deleted IS NULL;
CREATE INDEX portal_users_by_created ON portal_users (customer, created, id);
CREATE INDEX portal_users_by_public_id ON portal_users (customer, public_id);

-- Portal users that are not deleted.
ALTER TABLE usage ADD COLUMN portal_users BIGINT NOT NULL DEFAULT 0;
