-- How visitors sign in, and what images may ask of them.

CREATE TABLE auth_services (
    customer BIGINT NOT NULL,
    id TEXT NOT NULL,
    -- The service that this one is nested in.
    parent TEXT,
    name TEXT NOT NULL,
    profile TEXT NOT NULL,
    label TEXT NOT NULL,
    description TEXT NOT NULL,
    page_label TEXT NOT NULL,
    page_description TEXT NOT NULL,
    call_to_action TEXT NOT NULL,
    time_to_live BIGINT NOT NULL,
    -- The role provider, its credentials sealed; NULL where there is none.
    configuration TEXT,
    credentials TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer, id)
);
CREATE INDEX auth_services_nested ON auth_services (customer, parent, id) WHERE parent IS NOT NULL;

CREATE TABLE roles (
    customer BIGINT NOT NULL,
    id TEXT NOT NULL,
    id_folded TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    aliases TEXT NOT NULL,
    auth_service TEXT,
    version BIGINT NOT NULL,
    PRIMARY KEY (customer, id),
    UNIQUE (customer, id_folded)
);
CREATE INDEX roles_of_auth_service ON roles (customer, auth_service) WHERE auth_service IS NOT NULL;
