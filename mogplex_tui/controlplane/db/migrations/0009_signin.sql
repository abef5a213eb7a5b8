-- The authorization server (auth.md §8, §9). Codes are kept as digests; tokens as they are, because the session probe
-- shows them again, and the file is readable by its owner alone.

CREATE TABLE oauth_clients (
  id TEXT PRIMARY KEY,  -- the client_id
  name TEXT,
  secret_hash TEXT,  -- null for a public client
  redirect_uris TEXT NOT NULL CHECK (json_type(redirect_uris) = 'array'),
  auth_method TEXT NOT NULL CHECK (auth_method IN ('none', 'client_secret_basic', 'client_secret_post')),
  grant_types TEXT NOT NULL DEFAULT '["authorization_code"]' CHECK (json_type(grant_types) = 'array'),
  response_types TEXT NOT NULL DEFAULT '["code"]' CHECK (json_type(response_types) = 'array'),
  disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  created_at INTEGER,  -- null for the one that comes with the service
  CHECK ((auth_method = 'none') = (secret_hash IS NULL))
);

INSERT INTO oauth_clients (id, name, redirect_uris, auth_method, grant_types) VALUES (
  'mogplex-cli', 'Mogplex CLI',
  '["http://127.0.0.1:24816/auth/callback","http://127.0.0.1:24818/auth/callback",'
    || '"http://localhost:24816/auth/callback","http://localhost:24818/auth/callback"]',
  'none', '["authorization_code","refresh_token"]'
);

CREATE TABLE oauth_codes (
  code_hash TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES oauth_clients(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  redirect_uri TEXT NOT NULL, scopes TEXT NOT NULL, code_challenge TEXT NOT NULL, nonce TEXT,
  expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL
);

CREATE TABLE oauth_tokens (
  id TEXT PRIMARY KEY,
  access_token TEXT NOT NULL UNIQUE, refresh_token TEXT NOT NULL UNIQUE,
  access_expires_at INTEGER NOT NULL, refresh_expires_at INTEGER NOT NULL,
  client_id TEXT NOT NULL REFERENCES oauth_clients(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX oauth_tokens_by_client ON oauth_tokens(client_id, refresh_expires_at);

-- What a person was asked on a page and has not decided yet (auth.md §9.1).
CREATE TABLE signin_questions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  callback TEXT NOT NULL, nonce TEXT NOT NULL, name TEXT NOT NULL,
  expires_at INTEGER NOT NULL
);
