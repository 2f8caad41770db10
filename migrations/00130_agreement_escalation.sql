-- +goose Up
-- Who was told that a request is overdue: each level once a request. A letter
-- that was claimed and not sent (sent_at null) may be claimed again.
create table agreement.escalation (
  agreement_id uuid not null constraint escalation_agreement_fkey references agreement.agreement,
  level        text not null constraint escalation_level_check check (level in ('agency', 'operator')),
  claimed_at   timestamptz not null,
  sent_at      timestamptz,
  constraint escalation_key primary key (agreement_id, level)
);

-- +goose Down
drop table agreement.escalation;
