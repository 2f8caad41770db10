-- +goose Up

-- A pushed request is used when it is answered, not when the browser first
-- brings it (FAPI 2.0 Security Profile §5.3.2.2, note 3): a page may be loaded
-- again.
alter table auth.oauth_pushed
  add column opened_at timestamptz; -- when a browser first brought it; null: not yet
alter table auth.oauth_consent
  add column pushed bytea; -- the handle of the pushed request it came from, spent with the answer

-- The claim email_verified (OpenID Connect Core §5.1).
alter table auth.person
  add column email_proved_at timestamptz; -- when who has the account last showed that they read its letters; null: nobody has

-- +goose Down
alter table auth.person drop column email_proved_at;
alter table auth.oauth_consent drop column pushed;
alter table auth.oauth_pushed drop column opened_at;
