-- +goose Up
-- Under which agency and slug an API was once found, for its old addresses to
-- lead on: it came to another agency, which may have had the slug already.
create table catalog.api_former (
  agency_id uuid not null constraint api_former_agency_fk references auth.agency,
  slug      text not null,
  api_id    uuid not null constraint api_former_api_fk references catalog.api on delete cascade,
  left_at   timestamptz not null,
  constraint api_former_key primary key (agency_id, slug)
);
create index api_former_api on catalog.api_former (api_id);

-- Calls and tokens name a version by an address that it had.
create index route_former on gateway.route using gin ((document -> 'former') jsonb_path_ops);

-- +goose Down
drop index gateway.route_former;
drop table catalog.api_former;
