-- +goose Up
-- What a month came to, as it stood when the report was made. It is never made
-- anew: what was filed stays as it was filed.
create table portal.month_report (
  agency_id uuid not null, -- the zero id stands for the whole province
  month     date not null constraint month_report_month_check check (extract(day from month) = 1),
  made_at   timestamptz not null,
  body      jsonb not null,
  constraint month_report_key primary key (month, agency_id)
);

-- Ends by day: what the report of a month counts. The rest has indexes already.
create index event_ended on agreement.event (at) where what in ('ended', 'application-gone');

-- +goose Down
drop index agreement.event_ended;
drop table portal.month_report;
