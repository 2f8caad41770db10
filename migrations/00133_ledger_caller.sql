-- +goose NO TRANSACTION
-- +goose Up
-- Which applications call which operations of a version, and when each last
-- did. Refusals for want of a credential or an agreement are no such calls.
create index concurrently entry_caller on ledger.entry (version_id, application_id, operation, at desc)
 where kind = 'exchange' and application_id is not null and status not in (401, 403);

-- +goose Down
drop index concurrently ledger.entry_caller;
