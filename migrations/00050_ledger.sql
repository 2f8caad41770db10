-- +goose Up
create schema ledger;

-- One exchange or one administrative act. payload is canonical JSON (RFC 8785);
-- leaf is sha256(nonce || payload). The columns after leaf repeat parts of the
-- payload so that entries can be found; `lgsp ledger verify` compares them.
create table ledger.entry (
  id             uuid primary key,
  kind           text not null constraint entry_kind_check check (kind in ('exchange', 'act')),
  at             timestamptz not null,
  payload        text,
  nonce          bytea constraint entry_nonce_check check (octet_length(nonce) = 32),
  leaf           bytea not null constraint entry_leaf_check check (octet_length(leaf) = 32),
  seq            bigint constraint entry_seq_key unique constraint entry_seq_check check (seq >= 0),
  erased_at      timestamptz,
  agency_id      uuid,
  application_id uuid,
  person_id      uuid,
  agreement_id   uuid,
  version_id     uuid,
  about          uuid,
  operation      text not null default '',
  status         int not null default 0,
  trace_id       text not null default '',
  constraint entry_erased_check check ((payload is null) = (erased_at is not null) and (nonce is null) = (erased_at is not null))
);
create index entry_waiting on ledger.entry (id) where seq is null;
create index entry_exchange on ledger.entry (id) where kind = 'exchange';
create index entry_act on ledger.entry (id) where kind = 'act';
create index entry_agency on ledger.entry (agency_id, id);
create index entry_application on ledger.entry (application_id, id) where application_id is not null;
create index entry_agreement on ledger.entry (agreement_id, id) where agreement_id is not null;
create index entry_person on ledger.entry (person_id, id) where person_id is not null;
create index entry_about on ledger.entry (about, id) where about is not null;
create index entry_trace on ledger.entry (trace_id);

-- The Merkle tree (RFC 6962), by stored hash index (golang.org/x/mod/sumdb/tlog).
-- entry_id is set on leaves, so that a deleted entry still has a name.
create table ledger.hash (
  position bigint primary key constraint hash_position_check check (position >= 0),
  hash     bytea not null constraint hash_hash_check check (octet_length(hash) = 32),
  entry_id uuid
);

-- Signed tree heads, the last of each minute. The files outside the database
-- are what verification trusts; these let another node go on.
create table ledger.checkpoint (
  minute timestamptz primary key,
  size   bigint not null constraint checkpoint_size_key unique,
  note   text not null
);

-- +goose Down
drop schema ledger cascade;
