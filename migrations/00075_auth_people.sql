-- +goose Up

-- A way to the outside provider on which it was told to ask for the sign-in
-- anew, since who is signed in here already proves once more who they are.
alter table auth.outside_visit add column fresh boolean not null default false;

-- When the first of two factors was shown: a provider may have asked for it
-- hours ago.
alter table auth.pending_session add column proved_at timestamptz not null default now();

-- Wrong second factors since the last right one: somebody who knows the first
-- tries them, and the person is told once a day.
alter table auth.person
  add column codes_wrong int not null default 0,
  add column codes_told_at timestamptz;

-- +goose Down
alter table auth.person drop column codes_told_at, drop column codes_wrong;
alter table auth.pending_session drop column proved_at;
alter table auth.outside_visit drop column fresh;
