-- +goose Up
-- Other authorization servers whose tokens are believed, as they say by
-- introspection (RFC 7662), and which application here each of their clients is.
create table auth.foreign_issuer (
  id                uuid primary key,
  name              text not null,
  issuer            text not null constraint foreign_issuer_issuer_key unique, -- its identifier (RFC 8414)
  introspection_url text not null,
  client_id         text not null, -- what the platform is to it
  sealed            bytea not null, -- the secret for that, bound to id
  seal_version      int not null,
  audience          text not null, -- what its tokens for the platform are for; '': it does not say
  created_at        timestamptz not null
);

create table auth.foreign_client (
  issuer_id      uuid not null constraint foreign_client_issuer_fkey references auth.foreign_issuer (id) on delete cascade,
  client_id      text not null,
  application_id uuid not null constraint foreign_client_application_fkey references auth.application (id),
  added_at       timestamptz not null,
  constraint foreign_client_key primary key (issuer_id, client_id)
);
create index foreign_client_application on auth.foreign_client (application_id);

-- +goose Down
drop table auth.foreign_client, auth.foreign_issuer;
