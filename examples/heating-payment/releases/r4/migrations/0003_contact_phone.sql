-- Expand: nullable and without a default, so that it needs no rewrite and the release before it goes on inserting without it.
SET LOCAL lock_timeout = '2s';
ALTER TABLE applications ADD COLUMN contact_phone text;
