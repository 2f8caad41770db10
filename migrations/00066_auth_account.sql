-- +goose Up

-- Letters that are asked for and not yet sent, or were sent within the last
-- hour. What a request leaves here is the same for every address; who there is
-- behind it is found out when the letter is written. No secret is kept: a
-- one-time link is made when its letter is sent.
create table auth.account_letter (
  id        uuid primary key,
  kind      text not null constraint account_letter_kind check (kind in ('sign-up', 'reset', 'email', 'email-changed', 'password-changed')),
  email     text not null constraint account_letter_email_given check (email <> ''), -- where it goes
  name      text not null, -- as the newcomer typed it
  locale    text not null constraint account_letter_locale check (locale in ('vi', 'en')),
  person_id uuid constraint account_letter_person_fk references auth.person on delete cascade, -- whose account changes
  asked_at  timestamptz not null,
  due_at    timestamptz not null, -- it is not tried before
  tries     int not null default 0,
  done_at   timestamptz
);
create index account_letter_due on auth.account_letter (due_at) where done_at is null;
create index account_letter_asked on auth.account_letter (email, kind, asked_at);
create index account_letter_person on auth.account_letter (person_id);

-- Who asked for an account, by the SHA-256 of the link in their letter. There
-- is no account before the link is opened and a password chosen.
create table auth.newcomer (
  hash       bytea primary key,
  email      text not null,
  name       text not null,
  locale     text not null constraint newcomer_locale check (locale in ('vi', 'en')),
  expires_at timestamptz not null
);
create index newcomer_expires on auth.newcomer (expires_at);

-- A change of address that waits for its link: to a new address, or back to
-- the one before (undo).
create table auth.email_change (
  hash       bytea primary key,
  person_id  uuid not null constraint email_change_person_fk references auth.person on delete cascade,
  email      text not null, -- the address that the account will have
  undo       boolean not null,
  expires_at timestamptz not null
);
create index email_change_person on auth.email_change (person_id);
create index email_change_expires on auth.email_change (expires_at);

-- Who a person is at an outside OpenID provider.
create table auth.identity (
  issuer    text not null,
  subject   text not null,
  person_id uuid not null constraint identity_person_fk references auth.person on delete cascade,
  email     text not null, -- as the provider said it when it was linked; it decides nothing
  linked_at timestamptz not null,
  used_at   timestamptz,
  constraint identity_key primary key (issuer, subject)
);
create index identity_person on auth.identity (person_id);

-- A way to the outside provider and back, found by the SHA-256 of its state
-- and taken once, by the browser that began it. subject is set when the
-- provider has answered and the person decides what their account shall be.
create table auth.outside_visit (
  hash       bytea primary key,
  browser    bytea not null, -- SHA-256 of a cookie
  nonce      text not null,
  verifier   text not null,
  next       text not null,
  person_id  uuid constraint outside_visit_person_fk references auth.person on delete cascade, -- who links; null: who signs in
  issuer     text not null default '',
  subject    text not null default '',
  email      text not null default '', -- '' unless the provider has verified it
  name       text not null default '',
  expires_at timestamptz not null
);
create index outside_visit_expires on auth.outside_visit (expires_at);
create index outside_visit_person on auth.outside_visit (person_id);


-- +goose Down
drop table auth.outside_visit, auth.identity, auth.email_change, auth.newcomer, auth.account_letter;
