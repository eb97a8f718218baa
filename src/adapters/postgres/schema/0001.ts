/**
 * Machines with their inbox and outbox, the audit log, settings. All instants are epoch milliseconds of the database's clock.
 * States and payloads are `json`, not `jsonb`: they come back byte for byte, and `jsonb` refuses the character U+0000, which
 * anybody on the Internet can send.
 */
export const sql = `
create function holdfast.now_ms() returns bigint language sql volatile
  as $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$;

-- Starts at the day's milliseconds, so that a store made anew outranks the one it replaces at every driver that remembers epochs.
create sequence holdfast.epoch;
select setval('holdfast.epoch', holdfast.now_ms());

create table holdfast.machine (
  id text primary key,
  kind text not null,
  service text not null,
  state json not null,
  version integer not null,
  wake_at bigint,
  done boolean not null default false,
  exclusive text,
  created_at bigint not null,
  updated_at bigint not null,
  owner text,
  epoch bigint,
  lease_from bigint,
  lease_until bigint,
  -- The inbox's highest number. It is raised under the row's lock, so that a number once seen is never undercut by a late commit.
  last_seq bigint not null default 0
);
create unique index machine_exclusive on holdfast.machine (exclusive) where not done and exclusive is not null;
create index machine_wake on holdfast.machine (wake_at) where not done;
create index machine_updated on holdfast.machine (updated_at) where not done and wake_at is not null;
create index machine_newest on holdfast.machine (created_at, id);

create table holdfast.inbox (
  machine text not null references holdfast.machine,
  seq bigint not null,
  at bigint not null,
  kind text not null check (kind in ('message', 'outcome')),
  -- A message's id, name and sender; or an outcome's effect and that effect's kind.
  id text not null,
  name text not null,
  who text,
  payload json not null,
  read boolean not null default false,
  primary key (machine, seq)
);
create unique index inbox_message on holdfast.inbox (machine, id) where kind = 'message';
create index inbox_unread on holdfast.inbox (machine, at) where not read;

create table holdfast.effect (
  machine text not null references holdfast.machine,
  id text not null,
  n bigint generated always as identity,
  kind text not null,
  payload json not null,
  -- When due_at was set: a clock that stands before it was set back.
  since bigint not null,
  due_at bigint not null,
  attempts integer not null default 0,
  settled boolean not null default false,
  primary key (machine, id)
);
create index effect_due on holdfast.effect (due_at) where not settled;
create index effect_since on holdfast.effect (since) where not settled;

create table holdfast.log (
  index bigint primary key,
  at bigint not null,
  service text not null,
  kind text not null,
  subject text not null,
  payload text,
  salt text not null,
  payload_hash text not null,
  leaf_hash text not null
);
create index log_subject on holdfast.log (subject, index);

-- One row; who appends to the log holds its lock until commit, so that indices are in commit order and have no gap.
create table holdfast.log_head (
  one boolean primary key default true check (one),
  size bigint not null,
  roots text[] not null
);
insert into holdfast.log_head (size, roots) values (0, '{}');

create table holdfast.setting (
  key text primary key,
  value json not null
);
`
