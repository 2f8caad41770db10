-- +goose NO TRANSACTION
-- +goose Up
create index concurrently agreement_by_version on agreement.agreement (version_id, application_id) where state in ('active', 'suspended');

-- +goose Down
drop index concurrently agreement.agreement_by_version;
