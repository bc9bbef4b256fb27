-- What a provisioning directory says of a person and Gabion has no use for (SCIM): a JSON object.

ALTER TABLE accounts ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
