-- +goose Up
-- Keyed hash of the X-Request-Id that the caller of an exchange chose, '' when
-- it chose none: who knows the id finds the call.
alter table ledger.entry add column request_ref text not null default '';

-- +goose Down
alter table ledger.entry drop column request_ref;
