-- The portal user that a key was made for; NULL for keys that act for the owner of the account.
ALTER TABLE keys ADD COLUMN portal_user TEXT;
CREATE INDEX keys_of_portal_user ON keys (customer, portal_user) WHERE portal_user IS NOT NULL;
-- The portal user whose key was used, if it was one's.
ALTER TABLE audit ADD COLUMN portal_user TEXT;
-- Deleted customers are looked for again and again, and there are few.
CREATE INDEX customers_by_deleted ON customers (deleted, id) WHERE deleted IS NOT NULL;
