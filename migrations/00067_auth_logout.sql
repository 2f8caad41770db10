-- +goose Up

-- Which applications were given tokens in a session: they are told when it ends.
create table auth.session_client (
  session_id uuid not null constraint session_client_session_fk references auth.session (id) on delete cascade,
  client_id  uuid not null constraint session_client_client_fk references auth.application on delete cascade,
  constraint session_client_key primary key (session_id, client_id)
);
create index session_client_client on auth.session_client (client_id);

-- What an application has yet to be told of a session that ended (OpenID
-- Connect Back-Channel Logout 1.0). A row goes when the application has
-- answered; one that was given up stays for a while, for its owner to see.
create table auth.logout_notice (
  id         uuid primary key,
  client_id  uuid not null constraint logout_notice_client_fk references auth.application on delete cascade,
  person_id  uuid not null, -- the sub; the person may be gone
  session_id uuid,          -- the sid; null: every session of the person
  created_at timestamptz not null,
  due_at     timestamptz,   -- null: given up
  attempts   int not null,
  failure    text not null  -- why the last attempt failed
);
create index logout_notice_due on auth.logout_notice (due_at) where due_at is not null;
create index logout_notice_client on auth.logout_notice (client_id, created_at);

alter table auth.oauth_allowed add column used_at timestamptz; -- when tokens last came of it; null: never

-- +goose Down
alter table auth.oauth_allowed drop column used_at;
drop table auth.logout_notice, auth.session_client;
