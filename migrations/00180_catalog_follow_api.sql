-- +goose Up
alter table catalog.follow drop constraint follow_kind;
alter table catalog.follow add constraint follow_kind check (kind in ('dataset', 'api', 'agency'));

-- +goose Down
delete from catalog.follow where kind = 'api';
alter table catalog.follow drop constraint follow_kind;
alter table catalog.follow add constraint follow_kind check (kind in ('dataset', 'agency'));
