-- +goose Up
-- Clauses are kept by people: a clause whose wording or validity changes gets a
-- new row, which says which row it follows; one that is withdrawn stays, for
-- what was agreed under it, and can be cited no more.
alter table agreement.legal_basis
  add column follows       text constraint legal_basis_follows_fkey references agreement.legal_basis,
  add column version       int not null default 1,
  add column withdrawn_at  timestamptz,
  add column withdrawn_why text not null default '',
  add constraint legal_basis_withdrawn_check check (withdrawn_at is null or withdrawn_why <> '');
create unique index legal_basis_follows_key on agreement.legal_basis (follows);

insert into agreement.register_entry (register, key, version, what, at, reason, content)
select 'legal-basis', id, 1, 'added', now(), 'Có sẵn khi cài đặt', to_jsonb(b) - 'follows' - 'version' - 'withdrawn_at' - 'withdrawn_why'
  from agreement.legal_basis b
 order by id;

-- What stands on a clause.
create index agreement_by_legal_basis on agreement.agreement (legal_basis, id) where state in ('requested', 'active', 'suspended');

-- +goose Down
drop index agreement.agreement_by_legal_basis;
delete from agreement.register_entry where register = 'legal-basis';
drop index agreement.legal_basis_follows_key;
alter table agreement.legal_basis
  drop constraint legal_basis_withdrawn_check,
  drop column withdrawn_why,
  drop column withdrawn_at,
  drop column version,
  drop column follows;
