-- +goose Up
-- The certificate that the gateway shows the systems behind a version, and its
-- private key, sealed under a version of the platform's secret and bound to
-- the version of the API.
create table gateway.client_key (
  version_id   uuid primary key,
  certificate  text not null constraint client_key_certificate_check check (length(certificate) between 1 and 32768), -- PEM, the holder's first
  sealed       bytea not null,
  seal_version int not null,
  set_at       timestamptz not null
);

-- +goose Down
drop table gateway.client_key;
