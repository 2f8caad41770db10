-- +goose NO TRANSACTION
-- +goose Up
create index concurrently agreement_by_service on agreement.agreement (agency_id, version_id, state, id);

-- +goose Down
drop index concurrently agreement.agreement_by_service;
