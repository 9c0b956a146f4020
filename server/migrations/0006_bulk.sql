ALTER TABLE images ADD COLUMN manifests TEXT NOT NULL DEFAULT '[]';

-- The queue of a customer is served lane by lane.
DROP INDEX images_waiting;
CREATE INDEX images_waiting ON images (customer, priority, generation) WHERE ingesting = 1;
-- What the summary of all queues counts; both leave out nearly all images.
CREATE INDEX images_failed ON images (customer, space) WHERE error <> '';
CREATE INDEX images_waiting_other ON images (family) WHERE ingesting = 1 AND family <> 'I';
