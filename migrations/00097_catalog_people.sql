-- +goose Up

-- What people ask about a dataset. shown: its first post is.
create table catalog.discussion (
  id         uuid primary key,
  dataset_id uuid not null constraint discussion_dataset_fk references catalog.dataset on delete cascade,
  author     uuid, -- null once the account is gone
  title      text not null constraint discussion_title_given check (title <> ''),
  shown      boolean not null,
  closed_at  timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index discussion_dataset on catalog.discussion (dataset_id, updated_at desc, id desc);

-- Posts are only ever added; hiding keeps the text for who has to answer for it.
create table catalog.post (
  id            uuid primary key,
  discussion_id uuid not null constraint post_discussion_fk references catalog.discussion on delete cascade,
  author        uuid,
  official      boolean not null, -- of the dataset's agency
  opening       boolean not null,
  text          text not null constraint post_text_given check (text <> ''),
  fingerprint   bytea not null,
  state         text not null constraint post_state check (state in ('shown', 'held', 'hidden')),
  why           text not null, -- held: links, repeat, personal; hidden: the steward's reason
  created_at    timestamptz not null
);
create index post_discussion on catalog.post (discussion_id, id);
create index post_author on catalog.post (author, created_at);
create index post_fingerprint on catalog.post (fingerprint, created_at);
create index post_waiting on catalog.post (id) where state = 'held';

create table catalog.post_report (
  post_id    uuid not null constraint post_report_post_fk references catalog.post on delete cascade,
  person     uuid not null,
  reason     text not null,
  created_at timestamptz not null,
  settled_at timestamptz,
  constraint post_report_key primary key (post_id, person)
);
create index post_report_person on catalog.post_report (person, created_at);

-- Data that people ask for.
create table catalog.data_request (
  id         uuid primary key,
  author     uuid,
  agency_id  uuid constraint data_request_agency_fk references auth.agency, -- null: the operator is to find one
  title      text not null constraint data_request_title_given check (title <> ''),
  text       text not null,
  state      text not null constraint data_request_state
             check (state in ('held', 'received', 'accepted', 'in-progress', 'published', 'declined', 'hidden')),
  reason     text not null,
  dataset_id uuid constraint data_request_dataset_fk references catalog.dataset,
  fingerprint bytea not null,
  votes      int not null,
  due_at     timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint data_request_published check (state <> 'published' or dataset_id is not null),
  constraint data_request_declined check (state not in ('declined', 'hidden') or reason <> '')
);
create index data_request_newest on catalog.data_request (id desc);
create index data_request_agency on catalog.data_request (agency_id, state);
create index data_request_author on catalog.data_request (author, created_at);

create table catalog.data_request_vote (
  request_id uuid not null constraint data_request_vote_fk references catalog.data_request on delete cascade,
  person     uuid not null,
  created_at timestamptz not null,
  constraint data_request_vote_key primary key (request_id, person)
);
create index data_request_vote_person on catalog.data_request_vote (person);

-- Letters that the catalogue owes: to a person, or to an agency's people, which
-- becomes one to each.
create table catalog.letter (
  id         uuid primary key,
  kind       text not null,
  person     uuid,
  agency_id  uuid, -- 0…0 is the platform's operators
  detail     jsonb not null,
  created_at timestamptz not null,
  claimed_at timestamptz,
  tries      int not null default 0,
  sent_at    timestamptz,
  constraint letter_to_one check ((person is null) <> (agency_id is null))
);
create index letter_waiting on catalog.letter (created_at) where sent_at is null;

-- +goose Down
drop table catalog.letter, catalog.data_request_vote, catalog.data_request, catalog.post_report, catalog.post, catalog.discussion;
