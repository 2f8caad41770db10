-- +goose Up

-- A refresh token whose answer was lost may be presented again for a moment,
-- by a client with refresh_grace: what came of it is then taken back.
alter table auth.oauth_refresh
  add column parent  text not null default '', -- signature of the one it came of; '': a code
  add column jti     text not null default '', -- of the access token made beside it
  add column settled boolean not null default false; -- used up for good: its successor was used, or taken back
create index oauth_refresh_parent on auth.oauth_refresh (parent) where parent <> '';

-- +goose Down
drop index auth.oauth_refresh_parent;
alter table auth.oauth_refresh drop column parent, drop column jti, drop column settled;
