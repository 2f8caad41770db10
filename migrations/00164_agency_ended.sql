-- +goose Up
-- Nothing new begins at an agency whose service has ended, also when it is
-- written while the agency ends: whoever writes waits for that.

-- +goose StatementBegin
create function auth.agency_serves() returns trigger language plpgsql as $$
declare
  over timestamptz;
begin
  select ended_at into over from auth.agency where id = (to_jsonb(new) ->> tg_argv[0])::uuid for key share;
  if over is not null then
    raise exception 'the service of agency % has ended', to_jsonb(new) ->> tg_argv[0]
      using errcode = 'check_violation', constraint = 'agency_serves';
  end if;
  return new;
end $$;
-- +goose StatementEnd

create trigger agency_serves before insert or update of agency_id on auth.membership
  for each row execute function auth.agency_serves('agency_id');
create trigger agency_serves before insert or update of owner_agency on auth.application
  for each row execute function auth.agency_serves('owner_agency');
create trigger agency_serves before insert or update of owner_agency on auth.registration_token
  for each row execute function auth.agency_serves('owner_agency');
create trigger agency_serves before insert or update of agency_id on catalog.api
  for each row execute function auth.agency_serves('agency_id');
create trigger agency_serves before insert or update of agency_id, approved_at on catalog.upstream
  for each row execute function auth.agency_serves('agency_id');
create trigger agency_serves before insert or update of agency_id, state on catalog.dataset
  for each row execute function auth.agency_serves('agency_id');
create trigger agency_serves before insert or update of agency_id on catalog.harvest_source
  for each row execute function auth.agency_serves('agency_id');
create trigger agency_serves before insert or update of agency_id on catalog.data_request
  for each row execute function auth.agency_serves('agency_id');
create trigger agency_serves before insert or update of agency_id on agreement.agreement
  for each row execute function auth.agency_serves('agency_id');
create trigger owner_serves before insert or update of owner_agency_id on agreement.agreement
  for each row execute function auth.agency_serves('owner_agency_id');

-- +goose Down
drop trigger owner_serves on agreement.agreement;
drop trigger agency_serves on agreement.agreement;
drop trigger agency_serves on catalog.data_request;
drop trigger agency_serves on catalog.harvest_source;
drop trigger agency_serves on catalog.dataset;
drop trigger agency_serves on catalog.upstream;
drop trigger agency_serves on catalog.api;
drop trigger agency_serves on auth.registration_token;
drop trigger agency_serves on auth.application;
drop trigger agency_serves on auth.membership;
drop function auth.agency_serves();
