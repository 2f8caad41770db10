-- +goose Up
-- A version whose calls have ended: what a node must know to answer 410 with
-- where to go on. The document is a gateway.Route without what only serving needs.
create table gateway.ended (
  version_id uuid primary key,
  prefix     text not null,
  document   jsonb not null
);

-- +goose Down
drop table gateway.ended;
