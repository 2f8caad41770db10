-- +goose Up

-- How an application takes part in OAuth 2: its client metadata (RFC 7591 §2).
-- An empty text stands for "not set".
alter table auth.application
  add column profile     text not null default '' constraint application_profile check (profile in ('', 'fapi2')),
  add column auth_method text not null default '', -- the only way it may prove itself; '': any it has credentials for
  add column grant_types text[] not null default '{}',
  add column dpop_bound  boolean not null default false, -- its tokens are bound to a key (RFC 9449)
  add column cert_bound  boolean not null default false, -- its tokens are bound to its certificate (RFC 8705)
  add column cert_subject_dn text not null default '',
  add column cert_san_dns    text not null default '',
  add column jwks_uri        text not null default '',
  add column legacy_audience boolean not null default false, -- its assertions may name the token address as aud
  add column refresh_grace   boolean not null default false, -- a lost refresh answer may be asked for again
  add column logout_uris     text[] not null default '{}',
  add column backchannel_logout_uri text not null default '';

update auth.application
   set grant_types = case kind when 'public' then array['authorization_code', 'refresh_token']
                               else array['authorization_code', 'refresh_token', 'client_credentials'] end;

-- A session has a public id (the sid of its tokens), and says how and when its
-- person last proved who they are (amr, auth_time).
alter table auth.session
  add column id        uuid not null default gen_random_uuid() constraint session_id_key unique,
  add column methods   text[] not null default '{pwd}',
  add column proved_at timestamptz not null default now(),
  add column agent     text not null default '',
  add column address   text not null default '';
update auth.session set proved_at = created_at;
alter table auth.session alter column methods drop default, alter column proved_at drop default, alter column id drop default;

-- What a family of tokens carries on: the session it began in, how its person
-- proved who they are, and the key or certificate that it is bound to.
alter table auth.oauth_grant
  add column session_id uuid, -- it may have ended
  add column methods    text[] not null default '{}',
  add column jkt        text not null default '', -- RFC 7638 thumbprint of the DPoP key
  add column x5t        text not null default ''; -- SHA-256 of the certificate, base64url
create index oauth_grant_session on auth.oauth_grant (session_id);

delete from auth.oauth_consent; -- each lives ten minutes
alter table auth.oauth_consent
  add column session_id uuid not null,
  add column methods    text[] not null;

-- +goose Down
alter table auth.oauth_consent drop column session_id, drop column methods;
alter table auth.oauth_grant drop column session_id, drop column methods, drop column jkt, drop column x5t;
alter table auth.session drop column id, drop column methods, drop column proved_at, drop column agent, drop column address;
alter table auth.application drop column profile, drop column auth_method, drop column grant_types, drop column dpop_bound,
  drop column cert_bound, drop column cert_subject_dn, drop column cert_san_dns, drop column jwks_uri, drop column legacy_audience,
  drop column refresh_grace, drop column logout_uris, drop column backchannel_logout_uri;
