-- +goose Up
-- What is searched in agreements: names and purpose, without marks and in small
-- letters. Marks go first, so that the database's locale has no say in it.
-- +goose StatementBegin
create function agreement.fold(words text) returns text
language sql immutable strict parallel safe
return lower(translate(regexp_replace(normalize(words, NFD), '[\u0300-\u036f]', '', 'g'), 'Đđ', 'dd'));
-- +goose StatementEnd
alter table agreement.agreement
  add column sought text not null
    generated always as (agreement.fold(application_name || ' ' || owner_name || ' ' || requester_name || ' ' || service_vi || ' ' || service_en || ' ' || purpose_text)) stored;

-- +goose Down
alter table agreement.agreement drop column sought;
drop function agreement.fold;
