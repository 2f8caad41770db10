-- +goose Up
-- Addresses at which applications hear of what concerns them, and what each is
-- told: kept for 30 days.
create table auth.webhook (
  id             uuid primary key,
  application_id uuid not null constraint webhook_application_fkey references auth.application (id),
  url            text not null,
  topics         text[] not null,
  sealed         bytea not null, -- its secret, bound to id
  seal_version   int not null,
  created_by     uuid constraint webhook_created_by_fkey references auth.person (id) on delete set null,
  created_at     timestamptz not null,
  failing_since  timestamptz -- nothing has arrived since; null: the last message did
);
create index webhook_application on auth.webhook (application_id);

create table auth.webhook_message (
  id           uuid primary key,
  webhook_id   uuid not null constraint webhook_message_webhook_fkey references auth.webhook (id) on delete cascade,
  type         text not null,
  body         text not null,
  created_at   timestamptz not null,
  attempts     int not null default 0,
  due_at       timestamptz, -- of the next attempt; null: it has arrived, or is given up
  delivered_at timestamptz,
  failure      text not null default '' -- of the last attempt
);
create index webhook_message_webhook on auth.webhook_message (webhook_id, created_at desc);
create index webhook_message_due on auth.webhook_message (due_at) where due_at is not null;
create index webhook_message_created on auth.webhook_message (created_at);

-- +goose Down
drop table auth.webhook_message, auth.webhook;
