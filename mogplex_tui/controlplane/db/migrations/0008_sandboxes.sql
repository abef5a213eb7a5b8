-- The rest of a sandbox record (sandboxes.md §1.2), and what the played machine behind it holds.

ALTER TABLE sandboxes ADD COLUMN product_team_id TEXT REFERENCES teams(id) ON DELETE CASCADE;
ALTER TABLE sandboxes ADD COLUMN actor_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL;
ALTER TABLE sandboxes ADD COLUMN vercel_team_id TEXT;
ALTER TABLE sandboxes ADD COLUMN vercel_project_id TEXT;
ALTER TABLE sandboxes ADD COLUMN sandbox_billing_target TEXT NOT NULL DEFAULT 'personal'
  CHECK (sandbox_billing_target IN ('personal', 'team'));
ALTER TABLE sandboxes ADD COLUMN billing_source TEXT NOT NULL DEFAULT 'platform'
  CHECK (billing_source IN ('platform', 'user_vercel_project'));
ALTER TABLE sandboxes ADD COLUMN billing_team_id TEXT;
ALTER TABLE sandboxes ADD COLUMN billing_project_id TEXT DEFAULT 'prj_hosted_sandboxes';
ALTER TABLE sandboxes ADD COLUMN snapshot_id TEXT;
ALTER TABLE sandboxes ADD COLUMN snapshot_billing_project_id TEXT;
ALTER TABLE sandboxes ADD COLUMN snapshot_billing_team_id TEXT;
ALTER TABLE sandboxes ADD COLUMN terminal_cwd TEXT;
ALTER TABLE sandboxes ADD COLUMN exec_lock_token TEXT;
ALTER TABLE sandboxes ADD COLUMN exec_lock_started_at INTEGER;
ALTER TABLE sandboxes ADD COLUMN compute_seconds REAL NOT NULL DEFAULT 0;
ALTER TABLE sandboxes ADD COLUMN cost_cents_estimate REAL NOT NULL DEFAULT 0;
-- What the provider says of the machine where that is not what the record says: `running` or `halted` (it is there,
-- and does not run), `gone` (no such machine), `silent` (the provider does not answer), `closing` (gone, its bill open).
ALTER TABLE sandboxes ADD COLUMN provider_view TEXT
  CHECK (provider_view IN ('running', 'halted', 'gone', 'silent', 'closing'));

CREATE UNIQUE INDEX sandboxes_one_active ON sandboxes(
  user_id, COALESCE(product_team_id, ''), repo_id, working_branch, COALESCE(root_directory, '')
) WHERE status IN ('creating', 'installing', 'running', 'pausing');

-- The files of a machine that differ from those of its repository; paths from the top of the repository, without
-- a slash at either end. `gone` hides a file of the repository; `committed` files do not show in `git status`.
CREATE TABLE sandbox_files (
  sandbox_id TEXT NOT NULL REFERENCES sandboxes(id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('file', 'directory', 'gone')),
  content TEXT NOT NULL DEFAULT '',
  committed INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sandbox_id, path)
) WITHOUT ROWID;

-- Browser tabs that are attached to a sandbox (sandboxes.md §4.14).
CREATE TABLE sandbox_presence (
  sandbox_id TEXT NOT NULL REFERENCES sandboxes(id) ON DELETE CASCADE,
  tab_id TEXT NOT NULL, session_id TEXT NOT NULL,
  event_seq INTEGER NOT NULL DEFAULT 0,
  attached INTEGER NOT NULL, reason TEXT, changed_at INTEGER NOT NULL,
  PRIMARY KEY (sandbox_id, tab_id, session_id)
) WITHOUT ROWID;
