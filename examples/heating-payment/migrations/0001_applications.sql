-- What every release shares. Money is in pence, moments are in UTC.

CREATE TABLE service_secret (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- Signs session cookies and form tokens, so that every replica of every release accepts them. 2 x 122 random bits.
  secret text NOT NULL
);
INSERT INTO service_secret (secret) VALUES (gen_random_uuid()::text || gen_random_uuid()::text);

CREATE TABLE drafts (
  -- SHA-256 of the session id: a copy of this table lets nobody into a citizen's session.
  session bytea PRIMARY KEY,
  answers jsonb NOT NULL DEFAULT '{}',
  -- Set by the submission: from then on the draft is closed.
  reference text,
  changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX drafts_changed_at ON drafts (changed_at);

CREATE TABLE applications (
  reference text PRIMARY KEY,
  -- One application a draft, however often "submit" is pressed.
  draft bytea NOT NULL UNIQUE,
  release text NOT NULL,
  full_name text NOT NULL,
  born date NOT NULL,
  benefits text[] NOT NULL,
  household text[] NOT NULL,
  address_line text NOT NULL,
  town text NOT NULL,
  postcode text NOT NULL,
  area text NOT NULL,
  account_name text NOT NULL,
  sort_code text NOT NULL,
  account_number text NOT NULL,
  roll_number text,
  payment_line text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('paid', 'waiting', 'refused')),
  amount_pence integer NOT NULL CHECK (amount_pence >= 0),
  reasons jsonb NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reference text NOT NULL REFERENCES applications (reference),
  queued_at timestamptz NOT NULL DEFAULT now(),
  -- The print company's number, known once the letter went out with a batch.
  print_job text,
  sent_at timestamptz
);
CREATE INDEX letters_reference ON letters (reference);
CREATE INDEX letters_waiting ON letters (id) WHERE print_job IS NULL;

CREATE TABLE letter_batches (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  next_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO letter_batches DEFAULT VALUES;
