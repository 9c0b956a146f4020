-- What a deleted customer offered to everybody is gone with it, and its names are free.
UPDATE named_queries SET global = 0 WHERE customer IN (SELECT id FROM customers WHERE deleted IS NOT NULL);
