-- +goose NO TRANSACTION
-- +goose Up
create index concurrently agreement_sought on agreement.agreement using gin (sought gin_trgm_ops);

-- +goose Down
drop index concurrently agreement.agreement_sought;
