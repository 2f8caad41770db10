-- +goose Up

-- Whether the digest tells what is new for a kept search; since when.
alter table catalog.saved_search add column told_since timestamptz;
create index saved_search_told on catalog.saved_search (person_id) where told_since is not null;

-- +goose Down
drop index catalog.saved_search_told;
alter table catalog.saved_search drop column told_since;
