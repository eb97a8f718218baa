-- r6 keeps the town in the address line. The release that runs while this is applied still writes the column,
-- so every submission to it would fail: this migration is here to be refused.
ALTER TABLE applications DROP COLUMN town;
