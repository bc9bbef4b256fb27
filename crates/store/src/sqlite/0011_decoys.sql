-- Who has a password, in the order of ids: what an unknown name is verified against is looked up at every
-- sign-in, also where nearly everybody signs in elsewhere.
CREATE INDEX accounts_with_password ON accounts (id) WHERE password IS NOT NULL;
