-- Connections, custom MCP servers and Slack workspaces (library.md §8, §9, §14 and §15).
-- Secrets stand in the file as they are: it is readable by its owner alone, and a key would have to lie beside it.

CREATE TABLE connections (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('rest_api', 'mcp_server')),
  base_url TEXT,
  auth_type TEXT CHECK (auth_type IN ('none', 'api_key', 'bearer', 'basic', 'oauth')),
  auth_header TEXT DEFAULT 'Authorization',
  mcp_transport TEXT CHECK (mcp_transport IN ('http', 'sse')), mcp_url TEXT,
  description TEXT,
  is_enabled INTEGER NOT NULL DEFAULT 1,
  health_status TEXT NOT NULL DEFAULT 'unknown',
  scope TEXT NOT NULL DEFAULT 'global' CHECK (scope IN ('global', 'project')),
  repo_id TEXT REFERENCES repos(id) ON DELETE CASCADE,
  credentials TEXT,  -- the sent secret, or for oauth the client's
  oauth_access_token TEXT,
  oauth_client_id TEXT, oauth_authorize_url TEXT, oauth_token_url TEXT, oauth_scopes TEXT,
  oauth_authorized_at INTEGER, oauth_token_expires_at INTEGER,
  source_preset TEXT,
  active_test_token TEXT UNIQUE,
  last_tested_at INTEGER, last_test_error TEXT, last_test_http_status INTEGER, last_test_tool_count INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  CHECK (scope = 'global' OR repo_id IS NOT NULL)
);
CREATE INDEX connections_by_user ON connections(user_id, created_at);
CREATE INDEX connections_by_repo ON connections(repo_id) WHERE repo_id IS NOT NULL;

-- A repository that does without a global connection (projects.md §4.1).
CREATE TABLE repo_connection_overrides (
  id TEXT PRIMARY KEY,
  repo_id TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
  connection_id TEXT NOT NULL REFERENCES connections(id) ON DELETE CASCADE,
  excluded INTEGER NOT NULL DEFAULT 1 CHECK (excluded IN (0, 1)),
  created_at INTEGER NOT NULL,
  UNIQUE (repo_id, connection_id)
);

CREATE TABLE connection_events (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  connection_id TEXT NOT NULL REFERENCES connections(id) ON DELETE CASCADE,
  event TEXT NOT NULL CHECK (event IN ('runtime_load_failed', 'test_failed', 'test_persist_failed')),
  surface TEXT NOT NULL CHECK (surface IN ('chat', 'harness', 'test', 'reaper')),
  message TEXT,
  created_at INTEGER NOT NULL
);
CREATE INDEX connection_events_by_connection ON connection_events(connection_id, created_at);

CREATE TABLE user_mcp_servers (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name <> '' AND instr(name, '__') = 0),
  enabled INTEGER NOT NULL DEFAULT 1,
  transport TEXT NOT NULL CHECK (transport IN ('stdio', 'http')),
  command TEXT, args TEXT NOT NULL DEFAULT '[]' CHECK (json_type(args) = 'array'),
  env_plain TEXT NOT NULL DEFAULT '{}' CHECK (json_type(env_plain) = 'object'),
  env_secrets TEXT NOT NULL DEFAULT '{}' CHECK (json_type(env_secrets) = 'object'),
  url TEXT,
  header_plain TEXT NOT NULL DEFAULT '{}' CHECK (json_type(header_plain) = 'object'),
  header_secrets TEXT NOT NULL DEFAULT '{}' CHECK (json_type(header_secrets) = 'object'),
  extra TEXT NOT NULL DEFAULT '{}' CHECK (json_type(extra) = 'object'),
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (user_id, name),
  CHECK ((transport = 'stdio' AND command IS NOT NULL AND url IS NULL)
    OR (transport = 'http' AND url IS NOT NULL AND command IS NULL))
);
CREATE INDEX user_mcp_servers_by_user ON user_mcp_servers(user_id, created_at);

CREATE TABLE slack_installations (
  id TEXT PRIMARY KEY,
  team_id TEXT NOT NULL UNIQUE,  -- of the Slack workspace
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  team_name TEXT, bot_user_id TEXT NOT NULL,
  scopes TEXT NOT NULL DEFAULT '[]',
  repo_agent_enabled INTEGER NOT NULL DEFAULT 1,
  allowed_slack_user_ids TEXT,  -- a JSON array; null allows every mapped user, an empty one nobody
  monthly_repo_run_limit INTEGER CHECK (monthly_repo_run_limit IS NULL OR monthly_repo_run_limit > 0),
  installed_at INTEGER NOT NULL
);
CREATE INDEX slack_installations_by_user ON slack_installations(user_id, installed_at);

CREATE TABLE slack_channel_links (
  id TEXT PRIMARY KEY,
  slack_installation_id TEXT NOT NULL REFERENCES slack_installations(id) ON DELETE CASCADE,
  channel_id TEXT NOT NULL, channel_name TEXT,
  repo_id TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
  created_by TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  UNIQUE (slack_installation_id, channel_id)
);
