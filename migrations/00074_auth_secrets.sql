-- +goose Up

-- What an API key may do beside where it may be used: 'read' (GET and HEAD
-- only), and operations by name as <version>/<operation>. None: all that its
-- application may.
alter table auth.credential
  add column scopes text[] not null default '{}'
             constraint credential_scopes_few check (cardinality(scopes) <= 101);

-- +goose Down
alter table auth.credential drop column scopes;
