-- Account slugs, provider keys, teams with their invites and audit trail, and public files (identity.md §12).

ALTER TABLE profiles ADD COLUMN slug TEXT CHECK (slug IS NULL OR (
  length(slug) BETWEEN 1 AND 39 AND slug NOT GLOB '*[^a-z0-9-]*'
  AND slug NOT GLOB '-*' AND slug NOT GLOB '*-' AND slug NOT GLOB '*--*'));
ALTER TABLE profiles ADD COLUMN auth_provider TEXT CHECK (auth_provider IN ('github', 'vercel'));
ALTER TABLE profiles ADD COLUMN github_auth_mode TEXT NOT NULL DEFAULT 'oauth'
  CHECK (github_auth_mode IN ('oauth', 'app'));
ALTER TABLE profiles ADD COLUMN vercel_project_id TEXT;
ALTER TABLE profiles ADD COLUMN vercel_team_id TEXT CHECK (vercel_team_id IS NULL OR vercel_project_id IS NOT NULL);
CREATE UNIQUE INDEX profiles_by_slug ON profiles(slug) WHERE slug IS NOT NULL;

CREATE TABLE teams (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 80),
  slug TEXT NOT NULL UNIQUE CHECK (
    length(slug) BETWEEN 1 AND 39 AND slug NOT GLOB '*[^a-z0-9-]*'
    AND slug NOT GLOB '-*' AND slug NOT GLOB '*-' AND slug NOT GLOB '*--*'),
  owner_user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE RESTRICT,
  model_allowlist TEXT,  -- a JSON array of model ids; null allows everything
  icon_path TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX teams_by_owner ON teams(owner_user_id);

CREATE TABLE team_members (
  id TEXT NOT NULL UNIQUE,
  team_id TEXT NOT NULL REFERENCES teams(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'viewer')),
  invited_by_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL,
  joined_at INTEGER NOT NULL,
  PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_members_by_user ON team_members(user_id);

-- A team's first membership is its creator's and has the team's own id.
CREATE TRIGGER teams_have_an_owner AFTER INSERT ON teams BEGIN
  INSERT INTO team_members (id, team_id, user_id, role, joined_at)
    VALUES (NEW.id, NEW.id, NEW.owner_user_id, 'owner', NEW.created_at);
END;
CREATE TRIGGER last_owner_stays BEFORE DELETE ON team_members
WHEN OLD.role = 'owner' AND EXISTS (SELECT 1 FROM teams WHERE id = OLD.team_id)
  AND NOT EXISTS (SELECT 1 FROM team_members
    WHERE team_id = OLD.team_id AND role = 'owner' AND user_id <> OLD.user_id)
BEGIN
  SELECT RAISE(ABORT, 'a team keeps an owner');
END;
CREATE TRIGGER last_owner_keeps_role BEFORE UPDATE OF role ON team_members
WHEN OLD.role = 'owner' AND NEW.role <> 'owner'
  AND NOT EXISTS (SELECT 1 FROM team_members
    WHERE team_id = OLD.team_id AND role = 'owner' AND user_id <> OLD.user_id)
BEGIN
  SELECT RAISE(ABORT, 'a team keeps an owner');
END;

-- Names that are paths of the product belong to nobody; one name is one team or one person.
CREATE TABLE reserved_slugs (slug TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO reserved_slugs (slug) VALUES ('api'), ('auth'), ('cli-auth'), ('company'), ('conduct'), ('faq'),
  ('how-it-works'), ('install'), ('login'), ('pricing'), ('privacy'), ('request-access'), ('slack'), ('terms'),
  ('unsubscribe'), ('workflows'), ('new'), ('invite'), ('account'), ('admin'), ('support'), ('status'),
  ('favicon.ico'), ('robots.txt'), ('sitemap.xml'), ('llms.txt'), ('opengraph-image'), ('apple-icon'), ('icon'),
  ('manifest.webmanifest'), ('global-error'), ('not-found'), ('error');
CREATE TRIGGER team_slug_is_free BEFORE INSERT ON teams
WHEN EXISTS (SELECT 1 FROM reserved_slugs WHERE slug = NEW.slug)
  OR EXISTS (SELECT 1 FROM profiles WHERE slug = NEW.slug)
BEGIN
  SELECT RAISE(ABORT, 'slug is taken');
END;
CREATE TRIGGER team_slug_stays_free BEFORE UPDATE OF slug ON teams
WHEN EXISTS (SELECT 1 FROM reserved_slugs WHERE slug = NEW.slug)
  OR EXISTS (SELECT 1 FROM profiles WHERE slug = NEW.slug)
BEGIN
  SELECT RAISE(ABORT, 'slug is taken');
END;
CREATE TRIGGER profile_slug_is_free BEFORE INSERT ON profiles
WHEN NEW.slug IS NOT NULL AND (EXISTS (SELECT 1 FROM reserved_slugs WHERE slug = NEW.slug)
  OR EXISTS (SELECT 1 FROM teams WHERE slug = NEW.slug))
BEGIN
  SELECT RAISE(ABORT, 'slug is taken');
END;
CREATE TRIGGER profile_slug_stays_free BEFORE UPDATE OF slug ON profiles
WHEN NEW.slug IS NOT NULL AND (EXISTS (SELECT 1 FROM reserved_slugs WHERE slug = NEW.slug)
  OR EXISTS (SELECT 1 FROM teams WHERE slug = NEW.slug))
BEGIN
  SELECT RAISE(ABORT, 'slug is taken');
END;

CREATE TABLE team_invites (
  id TEXT PRIMARY KEY,
  team_id TEXT NOT NULL REFERENCES teams(id) ON DELETE CASCADE,
  email TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'developer', 'viewer')),
  token TEXT NOT NULL UNIQUE,
  invited_by_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, accepted_at INTEGER
);
CREATE INDEX team_invites_by_team ON team_invites(team_id, created_at);

CREATE TABLE team_audit_events (
  id TEXT PRIMARY KEY,
  team_id TEXT NOT NULL REFERENCES teams(id) ON DELETE CASCADE,
  action TEXT NOT NULL, decision_code TEXT,
  target_type TEXT, target_id TEXT,
  actor_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL,
  repo_id TEXT REFERENCES repos(id) ON DELETE SET NULL,
  sandbox_record_id TEXT REFERENCES sandboxes(id) ON DELETE SET NULL,
  ai_call_id TEXT REFERENCES ai_calls(id) ON DELETE SET NULL,
  job_run_id TEXT REFERENCES job_runs(id) ON DELETE SET NULL,
  request_id TEXT, auth_source TEXT,
  payload TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL
);
CREATE INDEX team_audit_events_by_team ON team_audit_events(team_id, created_at DESC, id DESC);
CREATE INDEX team_audit_events_by_repo ON team_audit_events(repo_id) WHERE repo_id IS NOT NULL;
CREATE INDEX team_audit_events_by_sandbox ON team_audit_events(sandbox_record_id) WHERE sandbox_record_id IS NOT NULL;
CREATE INDEX team_audit_events_by_call ON team_audit_events(ai_call_id) WHERE ai_call_id IS NOT NULL;
CREATE INDEX team_audit_events_by_job ON team_audit_events(job_run_id) WHERE job_run_id IS NOT NULL;

-- A key itself is not kept: its digest tells two keys apart, and `is_plausible` is what a check will answer.
CREATE TABLE provider_keys (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  provider TEXT NOT NULL CHECK (provider IN ('ai_gateway', 'anthropic', 'openai', 'openrouter')),
  key_hash TEXT NOT NULL, is_plausible INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (user_id, provider)
);
CREATE TABLE team_provider_keys (
  id TEXT PRIMARY KEY,
  team_id TEXT NOT NULL REFERENCES teams(id) ON DELETE CASCADE,
  provider TEXT NOT NULL CHECK (provider IN ('ai_gateway', 'anthropic', 'openai', 'openrouter')),
  key_hash TEXT NOT NULL, is_plausible INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (team_id, provider)
);

ALTER TABLE github_installations ADD COLUMN product_team_id TEXT REFERENCES teams(id) ON DELETE SET NULL;
ALTER TABLE github_installations ADD COLUMN attached_by_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL;
ALTER TABLE github_installations ADD COLUMN target_type TEXT;
CREATE INDEX github_installations_by_team ON github_installations(product_team_id) WHERE product_team_id IS NOT NULL;

-- What anybody may fetch below /storage/v1/object/public/: the icons of teams.
CREATE TABLE public_files (
  path TEXT PRIMARY KEY,
  content_type TEXT NOT NULL,
  body BLOB NOT NULL,
  created_at INTEGER NOT NULL
);

CREATE INDEX user_api_keys_by_user ON user_api_keys(user_id, created_at);
