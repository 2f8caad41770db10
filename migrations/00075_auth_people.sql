-- +goose Up

-- A way to the outside provider on which it was told to ask for the sign-in
-- anew, since who is signed in here already proves once more who they are.
alter table auth.outside_visit add column fresh boolean not null default false;

-- When the first of two factors was shown: a provider may have asked for it
-- hours ago.
alter table auth.pending_session add column proved_at timestamptz not null default now();

-- +goose Down
alter table auth.pending_session drop column proved_at;
alter table auth.outside_visit drop column fresh;
