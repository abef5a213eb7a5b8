-- Routing: standing assignments, triggers, templates, questions to a human, and what flows and findings gained.

CREATE TABLE assignments (
  id TEXT PRIMARY KEY,
  repo_id TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,  -- the owner is the repository's
  agent_id TEXT NOT NULL REFERENCES agents(id) ON DELETE CASCADE,
  type TEXT NOT NULL
    CHECK (type IN ('pr_review', 'cron_refactor', 'cron', 'push_review', 'issue_triage', 'ci_failure')),
  cron_schedule TEXT,  -- never validated
  skill_id TEXT,       -- never checked to exist
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  created_at INTEGER NOT NULL
);
CREATE INDEX assignments_by_repo ON assignments(repo_id, type);

CREATE TABLE triggers (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  agent_id TEXT NOT NULL REFERENCES agents(id) ON DELETE CASCADE,
  installation_id INTEGER NOT NULL,
  event TEXT NOT NULL CHECK (event IN
    ('mention', 'pr_opened', 'issue_opened', 'pr_comment', 'issue_comment', 'push', 'ci_failure')),
  is_default INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  created_at INTEGER NOT NULL
);
CREATE INDEX triggers_by_user ON triggers(user_id, created_at);
CREATE INDEX triggers_by_event ON triggers(installation_id, event);

-- Jobs and ledger rows of these two parents; their columns are older than the parents, hence triggers for keys.
CREATE INDEX job_runs_by_assignment ON job_runs(assignment_id, created_at) WHERE assignment_id IS NOT NULL;
CREATE INDEX job_runs_by_trigger ON job_runs(trigger_id, created_at) WHERE trigger_id IS NOT NULL;
CREATE INDEX dispatch_events_by_assignment ON automation_dispatch_events(assignment_id, created_at)
  WHERE assignment_id IS NOT NULL;
CREATE INDEX dispatch_events_by_trigger ON automation_dispatch_events(trigger_id, created_at)
  WHERE trigger_id IS NOT NULL;
CREATE INDEX dispatch_events_by_flow ON automation_dispatch_events(flow_id, created_at) WHERE flow_id IS NOT NULL;
CREATE TRIGGER assignment_gone AFTER DELETE ON assignments BEGIN
  DELETE FROM job_runs WHERE assignment_id = OLD.id;
  UPDATE automation_dispatch_events SET assignment_id = NULL WHERE assignment_id = OLD.id;
END;
CREATE TRIGGER trigger_gone AFTER DELETE ON triggers BEGIN
  UPDATE job_runs SET trigger_id = NULL WHERE trigger_id = OLD.id;
  UPDATE automation_dispatch_events SET trigger_id = NULL WHERE trigger_id = OLD.id;
END;

ALTER TABLE flows ADD COLUMN source_kind TEXT NOT NULL DEFAULT 'github'
  CHECK (source_kind IN ('github', 'schedule', 'webhook', 'slack'));
ALTER TABLE flows ADD COLUMN trigger_schedule_id TEXT;  -- handle of the active or paused clock
ALTER TABLE flows ADD COLUMN webhook_secret TEXT;       -- whsec_…; shown once, needed in clear to check signatures
CREATE UNIQUE INDEX flow_versions_by_number ON flow_versions(flow_id, version_number);
CREATE INDEX flows_by_user ON flows(user_id, created_at);

CREATE TABLE flow_templates (
  id TEXT PRIMARY KEY,
  owner_type TEXT NOT NULL CHECK (owner_type IN ('user', 'team')),
  owner_user_id TEXT REFERENCES profiles(id) ON DELETE CASCADE,
  product_team_id TEXT,
  created_by_user_id TEXT REFERENCES profiles(id) ON DELETE SET NULL,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  description TEXT,
  source_flow_id TEXT REFERENCES flows(id) ON DELETE SET NULL,
  trigger_event TEXT NOT NULL,
  reconnect TEXT NOT NULL DEFAULT '[]', requires_repository INTEGER NOT NULL DEFAULT 0,
  graph TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  CHECK ((owner_type = 'user') = (owner_user_id IS NOT NULL)),
  CHECK ((owner_type = 'team') = (product_team_id IS NOT NULL))
);
CREATE INDEX flow_templates_by_user ON flow_templates(owner_user_id, updated_at);
CREATE INDEX flow_templates_by_team ON flow_templates(product_team_id, updated_at);

CREATE TABLE control_approvals (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  run_id TEXT, ai_call_id TEXT REFERENCES ai_calls(id) ON DELETE SET NULL,
  tool_name TEXT NOT NULL, tool_call_id TEXT NOT NULL, tool_input TEXT NOT NULL DEFAULT '{}',
  summary TEXT NOT NULL,
  urgency TEXT NOT NULL DEFAULT 'normal' CHECK (urgency IN ('low', 'normal', 'high')),
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'cancelled')),
  resolution_source TEXT CHECK (resolution_source IN ('in_stream', 'api', 'auto', 'system')),
  expires_at INTEGER, resolved_at INTEGER, resolved_by TEXT, resolution_note TEXT,
  created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX control_approvals_pending ON control_approvals(user_id, tool_call_id) WHERE status = 'pending';
CREATE INDEX control_approvals_by_user ON control_approvals(user_id, status, created_at);

CREATE INDEX flow_waits_by_user ON flow_waits(user_id, status, created_at);
