-- +goose NO TRANSACTION
-- +goose Up
create index concurrently entry_request on ledger.entry (request_ref) where request_ref <> '';

-- +goose Down
drop index concurrently ledger.entry_request;
