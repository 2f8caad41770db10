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

-- Where a way into an account was added from, as far as its session tells, for
-- its person to know it again.
alter table auth.totp
  add column added_agent text not null default '',
  add column added_address text not null default '';
alter table auth.passkey
  add column added_agent text not null default '',
  add column added_address text not null default '';
alter table auth.identity
  add column added_agent text not null default '',
  add column added_address text not null default '';
alter table auth.outside_visit
  add column agent text not null default '',
  add column address text not null default '';
-- Codes from before are of unknown age: as if made now.
alter table auth.recovery_code add column made_at timestamptz not null default now();

-- A one-time link that an operator made, who knows whose it is; one in a letter
-- proves the mailbox and no more.
alter table auth.link add column vouched boolean not null default false;

-- An official whose last second factor fell to a letter: before the next one an
-- operator vouches for them.
alter table auth.person add column vouch_needed boolean not null default false;

-- What a letter tells besides its kind.
alter table auth.account_letter add column about jsonb;

-- Agreements do not keep the name of who has deleted their account: what was
-- kept before that was so.
update agreement.agreement g set requester_name = p.name
  from auth.person p where p.id = g.requester_id and p.email like '%@deleted.invalid';
update agreement.agreement g set owner_name = p.name
  from auth.person p where p.id = g.owner_person_id and p.email like '%@deleted.invalid';
update agreement.agreement g set application_name = a.name
  from auth.application a join auth.person p on p.id = a.owner_person
 where a.id = g.application_id and p.email like '%@deleted.invalid';
update agreement.event e set name = p.name
  from auth.person p where p.id = e.person_id and p.email like '%@deleted.invalid';

-- +goose Down
alter table auth.account_letter drop column about;
alter table auth.person drop column vouch_needed;
alter table auth.link drop column vouched;
alter table auth.recovery_code drop column made_at;
alter table auth.outside_visit drop column address, drop column agent;
alter table auth.identity drop column added_address, drop column added_agent;
alter table auth.passkey drop column added_address, drop column added_agent;
alter table auth.totp drop column added_address, drop column added_agent;
alter table auth.person drop column codes_told_at, drop column codes_wrong;
alter table auth.pending_session drop column proved_at;
alter table auth.outside_visit drop column fresh;
