-- +goose Up
-- Exchanges as a gateway node packed them, until the sequencer unpacks and
-- numbers them: a node's delivery is one small insert, and an entry is written
-- once, with its number.
create table ledger.shipment (
  id        bigint generated always as identity primary key,
  count     int not null constraint shipment_count_check check (count > 0),
  again     boolean not null, -- some of it may have been shipped before
  body      bytea not null,
  failed_at timestamptz       -- it could not be unpacked: somebody has to look
);
alter table ledger.shipment alter column body set storage external;

-- Nearly every entry is an exchange: the primary key serves as well.
drop index ledger.entry_exchange;

-- +goose Down
create index entry_exchange on ledger.entry (id) where kind = 'exchange';
drop table ledger.shipment;
