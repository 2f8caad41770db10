-- +goose Up

-- Keys sign by one algorithm each: ES256, and RS256 for the ID tokens of
-- clients that read no other. id is the RFC 7638 thumbprint of either.
alter table auth.signing_key rename to token_key;
alter table auth.token_key
  alter column public_x drop not null,
  alter column public_y drop not null,
  add column algorithm text not null default 'ES256',
  add column public_n bytea, -- modulus; the exponent is 65537
  add constraint token_key_form check (case algorithm
    when 'ES256' then public_x is not null and public_y is not null and public_n is null
    when 'RS256' then public_x is null and public_y is null and length(public_n) = 256
    else false end);

-- What a release that knows ES256 only goes on with. The next one drops it.
create view auth.signing_key as
  select id, public_x, public_y, sealed, created_at, signs_from, retires_at
    from auth.token_key
   where algorithm = 'ES256';

-- What the ID tokens of an application are signed with (OpenID Connect
-- Registration §2). Those there are have been told ES256.
alter table auth.application
  add column id_token_algorithm text not null default 'ES256'
    constraint application_id_token_algorithm check (id_token_algorithm in ('ES256', 'RS256'));

-- What an application gives people to read of itself (RFC 7591 §2); '': nothing.
alter table auth.application
  add column client_uri text not null default '',
  add column policy_uri text not null default '',
  add column terms_uri  text not null default '';

-- +goose Down
alter table auth.application drop column id_token_algorithm, drop column client_uri, drop column policy_uri, drop column terms_uri;
drop view auth.signing_key;
delete from auth.token_key where algorithm <> 'ES256';
alter table auth.token_key drop constraint token_key_form, drop column public_n, drop column algorithm,
  alter column public_x set not null, alter column public_y set not null;
alter table auth.token_key rename to signing_key;
