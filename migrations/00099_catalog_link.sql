-- +goose Up
-- A distribution that is a link to elsewhere, and how it was last found.
create table catalog.link (
  distribution_id uuid primary key constraint link_distribution_fk references catalog.distribution,
  url             text not null constraint link_url_form check (url ~ '^https?://' and length(url) <= 2000),
  host            text not null,
  format          text not null,
  media_type      text not null,
  set_at          timestamptz not null,
  state           text not null default 'unchecked' constraint link_state check (state in ('unchecked', 'ok', 'broken')),
  reason          text not null default '', -- why it is broken
  status          int not null default 0,   -- of HTTP, 0: no answer
  size            bigint not null default 0, -- bytes as its server says, 0: it does not
  checked_at      timestamptz,
  steady          int not null default 0,   -- checks in a row that found the same
  failed          boolean not null default false, -- the last check, while the state is still ok
  broken_since    timestamptz,
  told_at         timestamptz,
  escalated_at    timestamptz,
  next_at         timestamptz not null,
  constraint link_broken_since check ((state = 'broken') = (broken_since is not null))
);
create index link_due on catalog.link (next_at);

-- When a host may next be asked, so that nobody is asked too often.
create table catalog.link_host (
  host    text primary key,
  next_at timestamptz not null
);

-- +goose Down
drop table catalog.link_host, catalog.link;
