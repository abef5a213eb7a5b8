-- Projects: workspaces, what repositories gained, overrides and presets of a repository, and the part of GitHub
-- and of the sandbox provider that the plane plays itself.

CREATE TABLE workspaces (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  owner_type TEXT NOT NULL DEFAULT 'user' CHECK (owner_type IN ('user', 'team')),
  owner_user_id TEXT REFERENCES profiles(id) ON DELETE CASCADE,
  product_team_id TEXT REFERENCES teams(id) ON DELETE CASCADE,
  created_by_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL,
  name TEXT NOT NULL, description TEXT,
  is_default INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
  sandbox_billing_mode TEXT NOT NULL DEFAULT 'platform'
    CHECK (sandbox_billing_mode IN ('platform', 'user_vercel_project')),
  sandbox_timeout_ms INTEGER NOT NULL DEFAULT 600000, sandbox_idle_timeout_ms INTEGER,
  sandbox_vercel_team_id TEXT, sandbox_vercel_project_id TEXT,
  vercel_link_status TEXT NOT NULL DEFAULT 'unknown'
    CHECK (vercel_link_status IN ('unknown', 'valid', 'missing_project', 'auth_invalid', 'inaccessible')),
  vercel_link_checked_at INTEGER, vercel_link_error_code TEXT, vercel_link_message TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  CHECK ((owner_type = 'user') = (owner_user_id IS NOT NULL)),
  CHECK ((owner_type = 'team') = (product_team_id IS NOT NULL))
);
CREATE UNIQUE INDEX workspaces_by_user_name ON workspaces(owner_user_id, lower(name)) WHERE owner_type = 'user';
CREATE UNIQUE INDEX workspaces_by_team_name ON workspaces(product_team_id, lower(name)) WHERE owner_type = 'team';
CREATE UNIQUE INDEX workspaces_user_default ON workspaces(owner_user_id) WHERE is_default AND owner_type = 'user';
CREATE UNIQUE INDEX workspaces_team_default ON workspaces(product_team_id) WHERE is_default AND owner_type = 'team';

ALTER TABLE repos ADD COLUMN owner_type TEXT NOT NULL DEFAULT 'user' CHECK (owner_type IN ('user', 'team'));
ALTER TABLE repos ADD COLUMN owner_user_id TEXT REFERENCES profiles(id) ON DELETE CASCADE
  CHECK (owner_type = 'user' OR owner_user_id IS NULL);
ALTER TABLE repos ADD COLUMN product_team_id TEXT REFERENCES teams(id) ON DELETE CASCADE
  CHECK ((owner_type = 'team') = (product_team_id IS NOT NULL));
ALTER TABLE repos ADD COLUMN created_by_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL;
ALTER TABLE repos ADD COLUMN workspace_id TEXT REFERENCES workspaces(id);
ALTER TABLE repos ADD COLUMN github_id INTEGER;
ALTER TABLE repos ADD COLUMN owner TEXT;
ALTER TABLE repos ADD COLUMN name TEXT;
ALTER TABLE repos ADD COLUMN is_monorepo INTEGER NOT NULL DEFAULT 0 CHECK (is_monorepo IN (0, 1));
ALTER TABLE repos ADD COLUMN parent_repo_id TEXT REFERENCES repos(id) ON DELETE SET NULL;
ALTER TABLE repos ADD COLUMN is_favorite INTEGER NOT NULL DEFAULT 0 CHECK (is_favorite IN (0, 1));
ALTER TABLE repos ADD COLUMN install_command TEXT;
ALTER TABLE repos ADD COLUMN dev_command TEXT;
ALTER TABLE repos ADD COLUMN dev_port INTEGER NOT NULL DEFAULT 3000;
ALTER TABLE repos ADD COLUMN dev_port_auto INTEGER NOT NULL DEFAULT 1 CHECK (dev_port_auto IN (0, 1));
ALTER TABLE repos ADD COLUMN runtime TEXT CHECK (runtime IN ('node22', 'node24', 'python3.13'));
ALTER TABLE repos ADD COLUMN sandbox_timeout_ms INTEGER;
ALTER TABLE repos ADD COLUMN sandbox_idle_timeout_ms INTEGER;
ALTER TABLE repos ADD COLUMN sandbox_env_vars TEXT NOT NULL DEFAULT '{}';
ALTER TABLE repos ADD COLUMN env_sync_mode TEXT NOT NULL DEFAULT 'sandbox-only'
  CHECK (env_sync_mode IN ('sandbox-only', 'sandbox-and-preview'));
ALTER TABLE repos ADD COLUMN sandbox_billing_target TEXT NOT NULL DEFAULT 'personal'
  CHECK (sandbox_billing_target IN ('personal', 'team'));
ALTER TABLE repos ADD COLUMN sandbox_billing_mode_override TEXT
  CHECK (sandbox_billing_mode_override IN ('platform', 'user_vercel_project'));
ALTER TABLE repos ADD COLUMN vercel_project_id TEXT;
ALTER TABLE repos ADD COLUMN vercel_team_id TEXT;
ALTER TABLE repos ADD COLUMN vercel_link_status TEXT NOT NULL DEFAULT 'unknown'
  CHECK (vercel_link_status IN ('unknown', 'valid', 'missing_project', 'auth_invalid', 'inaccessible'));
ALTER TABLE repos ADD COLUMN vercel_link_checked_at INTEGER;
ALTER TABLE repos ADD COLUMN vercel_link_error_code TEXT;
ALTER TABLE repos ADD COLUMN vercel_link_message TEXT;
ALTER TABLE repos ADD COLUMN snapshot_id TEXT;
ALTER TABLE repos ADD COLUMN snapshot_commit_sha TEXT;
ALTER TABLE repos ADD COLUMN snapshot_lockfile_hash TEXT;
ALTER TABLE repos ADD COLUMN snapshot_created_at INTEGER;
ALTER TABLE repos ADD COLUMN snapshot_billing_source TEXT;
ALTER TABLE repos ADD COLUMN snapshot_billing_project_id TEXT;
ALTER TABLE repos ADD COLUMN snapshot_billing_team_id TEXT;
ALTER TABLE repos ADD COLUMN snapshot_build_token TEXT;
ALTER TABLE repos ADD COLUMN snapshot_build_started_at INTEGER;

-- Repositories of an older file belong to whoever connected them, in a default workspace each.
INSERT INTO workspaces (id, user_id, owner_user_id, created_by_user_id, name, description, is_default,
    sandbox_timeout_ms, sandbox_idle_timeout_ms, created_at, updated_at)
  SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8'
      || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), user_id, user_id, user_id, 'Imported Repos',
    'Holds the repositories that were imported without a project of their own.', 1, 18000000, 1800000,
    MIN(created_at), MIN(created_at) FROM repos GROUP BY user_id;
UPDATE repos SET owner_user_id = user_id, created_by_user_id = user_id,
  owner = substr(full_name, 1, instr(full_name, '/') - 1), name = substr(full_name, instr(full_name, '/') + 1),
  workspace_id = (SELECT w.id FROM workspaces w WHERE w.owner_user_id = repos.user_id AND w.is_default);

-- A repository always has an owner and a workspace: rows that name none are their importer's own.
CREATE TRIGGER repo_without_workspace AFTER INSERT ON repos
  WHEN NEW.workspace_id IS NULL OR NEW.created_by_user_id IS NULL
    OR (NEW.owner_type = 'user' AND NEW.owner_user_id IS NULL) BEGIN
  INSERT INTO workspaces (id, user_id, owner_type, owner_user_id, product_team_id, created_by_user_id, name,
      description, is_default, sandbox_timeout_ms, sandbox_idle_timeout_ms, created_at, updated_at)
    SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8'
        || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), NEW.user_id, NEW.owner_type,
      CASE WHEN NEW.owner_type = 'user' THEN COALESCE(NEW.owner_user_id, NEW.user_id) END, NEW.product_team_id,
      NEW.user_id, 'Imported Repos', 'Holds the repositories that were imported without a project of their own.',
      1, 18000000, 1800000, NEW.created_at, NEW.created_at
    WHERE NEW.workspace_id IS NULL AND NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.is_default AND
      (CASE WHEN NEW.owner_type = 'team' THEN w.product_team_id = NEW.product_team_id
        ELSE w.owner_user_id = COALESCE(NEW.owner_user_id, NEW.user_id) END));
  UPDATE repos SET created_by_user_id = COALESCE(created_by_user_id, user_id),
      owner_user_id = CASE WHEN owner_type = 'user' THEN COALESCE(owner_user_id, user_id) END,
      workspace_id = COALESCE(workspace_id, (SELECT w.id FROM workspaces w WHERE w.is_default AND
        (CASE WHEN NEW.owner_type = 'team' THEN w.product_team_id = NEW.product_team_id
          ELSE w.owner_user_id = COALESCE(NEW.owner_user_id, NEW.user_id) END)))
    WHERE id = NEW.id;
END;
CREATE TRIGGER repo_keeps_workspace BEFORE UPDATE OF workspace_id ON repos WHEN NEW.workspace_id IS NULL BEGIN
  SELECT RAISE(ABORT, 'null value in column "workspace_id" of relation "repos" violates not-null constraint');
END;
CREATE UNIQUE INDEX repos_by_importer ON repos(user_id, github_id, COALESCE(root_directory, ''));
CREATE UNIQUE INDEX repos_by_owner_user ON repos(owner_user_id, github_id, COALESCE(root_directory, ''))
  WHERE owner_type = 'user';
CREATE UNIQUE INDEX repos_by_team ON repos(product_team_id, github_id, COALESCE(root_directory, ''))
  WHERE owner_type = 'team';
CREATE INDEX repos_by_workspace ON repos(workspace_id);
CREATE INDEX repos_by_parent ON repos(parent_repo_id) WHERE parent_repo_id IS NOT NULL;

-- What outlives a repository forgets it; the columns are older than this rule and have no foreign key.
CREATE TRIGGER repo_gone BEFORE DELETE ON repos BEGIN
  UPDATE ai_call_events SET repo_id = NULL
    WHERE ai_call_id IN (SELECT id FROM ai_calls WHERE repo_id = OLD.id) AND repo_id = OLD.id;
  UPDATE limit_events SET repo_id = NULL WHERE repo_id = OLD.id;
  UPDATE review_findings SET repo_id = NULL WHERE repo_id = OLD.id;
  UPDATE flow_waits SET repo_id = NULL WHERE repo_id = OLD.id;
END;

-- Two people may hold the same installation; the older table let only one have it.
CREATE TABLE github_installations_next (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  installation_id INTEGER NOT NULL,
  account_login TEXT, account_type TEXT DEFAULT 'Organization', target_type TEXT,
  permissions TEXT NOT NULL DEFAULT '{}',
  product_team_id TEXT REFERENCES teams(id) ON DELETE SET NULL,
  attached_by_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (user_id, installation_id)
);
INSERT INTO github_installations_next (id, user_id, installation_id, account_login, account_type, target_type,
    product_team_id, attached_by_user_id, created_at)
  SELECT id, user_id, installation_id, account_login, account_type, COALESCE(target_type, account_type),
    product_team_id, attached_by_user_id, created_at FROM github_installations;
DROP TABLE github_installations;
ALTER TABLE github_installations_next RENAME TO github_installations;
CREATE INDEX github_installations_by_team ON github_installations(product_team_id) WHERE product_team_id IS NOT NULL;

CREATE TABLE sandbox_launch_presets (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  repo_id TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
  name TEXT NOT NULL, root_directory TEXT,
  base_branch TEXT NOT NULL, working_branch TEXT NOT NULL,
  create_branch INTEGER NOT NULL DEFAULT 0 CHECK (create_branch IN (0, 1)),
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (user_id, repo_id, name)
);

CREATE TABLE repo_model_overrides (
  repo_id TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
  model_id TEXT NOT NULL REFERENCES models(id) ON DELETE CASCADE,
  excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1)),
  PRIMARY KEY (repo_id, model_id)
);

-- A row without a rule or skill is an entry of this repository alone.
CREATE TABLE repo_rule_overrides (
  id TEXT PRIMARY KEY,
  repo_id TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
  rule_id TEXT REFERENCES agent_rules(id) ON DELETE CASCADE,
  excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1)),
  name TEXT, content TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  UNIQUE (repo_id, rule_id)
);
CREATE TABLE repo_skill_overrides (
  id TEXT PRIMARY KEY,
  repo_id TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
  skill_id TEXT REFERENCES skills(id) ON DELETE CASCADE,
  excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1)),
  name TEXT, description TEXT, content TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  UNIQUE (repo_id, skill_id)
);

-- Prebuilt images as the sandbox provider keeps them.
CREATE TABLE provider_snapshots (
  id TEXT PRIMARY KEY,
  status TEXT NOT NULL DEFAULT 'created' CHECK (status IN ('created', 'deleted', 'failed')),
  size_bytes INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER
);

-- GitHub itself: accounts, who belongs to them, repositories that nobody need have imported, and what is in them.
CREATE TABLE github_accounts (
  login TEXT PRIMARY KEY COLLATE NOCASE,
  type TEXT NOT NULL CHECK (type IN ('User', 'Organization')),
  installation_id INTEGER UNIQUE,
  members_may_create INTEGER NOT NULL DEFAULT 1 CHECK (members_may_create IN (0, 1))
);
CREATE TABLE github_org_members (
  org_login TEXT NOT NULL REFERENCES github_accounts(login) ON DELETE CASCADE,
  login TEXT NOT NULL COLLATE NOCASE, email TEXT,
  PRIMARY KEY (org_login, login)
);
CREATE TABLE github_remote_repos (
  github_id INTEGER PRIMARY KEY,
  owner_login TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE,
  default_branch TEXT NOT NULL DEFAULT 'main', description TEXT,
  is_private INTEGER NOT NULL DEFAULT 1 CHECK (is_private IN (0, 1)),
  installation_id INTEGER,  -- the installation that may read it, if any
  files TEXT NOT NULL DEFAULT '{}',  -- JSON: path to text, as far as anybody asks
  created_at INTEGER NOT NULL,
  UNIQUE (owner_login, name)
);
CREATE INDEX github_remote_by_installation ON github_remote_repos(installation_id);
CREATE TABLE github_pulls (
  github_id INTEGER NOT NULL REFERENCES github_remote_repos(github_id) ON DELETE CASCADE,
  number INTEGER NOT NULL, title TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  author_login TEXT NOT NULL, diff TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  PRIMARY KEY (github_id, number)
);
-- Values are sealed by GitHub and never read again, so none is kept.
CREATE TABLE github_secrets (
  github_id INTEGER NOT NULL REFERENCES github_remote_repos(github_id) ON DELETE CASCADE,
  name TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  PRIMARY KEY (github_id, name)
);
