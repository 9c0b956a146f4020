-- Before PostgreSQL has statistics these seemed as good as the primary key for finding an image by its id, which then
-- went through a whole space. Every image has a version above 0, but only those that ask for it may use them.
DROP INDEX images_of_customer;
DROP INDEX images_of_space;
CREATE INDEX images_of_customer ON images (customer, created, space, id) WHERE version > 0;
CREATE INDEX images_of_space ON images (customer, space, created, id) WHERE version > 0;
