-- +goose Up

-- The DPoP proofs that were used and could be sent again (RFC 9449 §11.1): a
-- hash of key and jti, for as long as the nonce inside lives.
create table auth.oauth_proof (
  id         bytea not null constraint oauth_proof_pkey primary key,
  expires_at timestamptz not null
);
create index oauth_proof_expires on auth.oauth_proof (expires_at);

-- +goose Down
drop table auth.oauth_proof;
