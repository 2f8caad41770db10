-- +goose Up
create extension if not exists pg_trgm;
create extension if not exists btree_gist;

-- +goose Down
drop extension btree_gist;
drop extension pg_trgm;
