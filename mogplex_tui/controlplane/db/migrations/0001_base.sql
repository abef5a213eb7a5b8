-- The tables of the embedded control plane. Instants are whole microseconds since the epoch (UTC); JSON is TEXT.
-- Money is REAL US dollars with up to eight decimals. Booleans are 0/1. Ids are lower-case UUID text unless said.

CREATE TABLE profiles (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL, username TEXT NOT NULL, name TEXT NOT NULL,
  avatar_url TEXT, github_username TEXT,
  github_oauth INTEGER NOT NULL DEFAULT 1,
  default_model TEXT NOT NULL, theme TEXT DEFAULT 'dark',
  allow_platform_ai INTEGER NOT NULL DEFAULT 1, allow_platform_sandbox INTEGER NOT NULL DEFAULT 1,
  auto_enable_models INTEGER NOT NULL DEFAULT 1, models_seen_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
);

CREATE TABLE user_api_keys (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE, token_prefix TEXT NOT NULL,
  scopes TEXT NOT NULL DEFAULT '["read","write"]',
  created_at INTEGER NOT NULL, last_used_at INTEGER, expires_at INTEGER, revoked_at INTEGER
);

CREATE TABLE github_installations (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  installation_id INTEGER NOT NULL UNIQUE,
  account_login TEXT NOT NULL, account_type TEXT NOT NULL DEFAULT 'Organization',
  created_at INTEGER NOT NULL
);

CREATE TABLE repos (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  full_name TEXT NOT NULL,
  github_installation_id INTEGER,
  default_branch TEXT, root_directory TEXT,
  is_hidden INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
);
CREATE INDEX repos_by_user ON repos(user_id, full_name);

CREATE TABLE models (
  id TEXT PRIMARY KEY,
  provider TEXT NOT NULL, name TEXT NOT NULL,
  context_length INTEGER,
  pricing_input REAL, pricing_output REAL, pricing_cache_read REAL, pricing_cache_write REAL,
  capabilities TEXT NOT NULL DEFAULT '[]',
  is_available INTEGER NOT NULL DEFAULT 1, is_hidden INTEGER NOT NULL DEFAULT 0,
  is_recommended INTEGER NOT NULL DEFAULT 0,
  recommendation_bucket TEXT CHECK (recommendation_bucket IN ('open', 'frontier')),
  recommendation_rank INTEGER, recommendation_reason TEXT, recommended_at INTEGER,
  created_at INTEGER NOT NULL
);

CREATE TABLE model_preferences (
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  model_id TEXT NOT NULL REFERENCES models(id) ON DELETE CASCADE,
  is_enabled INTEGER NOT NULL,
  PRIMARY KEY (user_id, model_id)
);

CREATE TABLE agents (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  name TEXT NOT NULL, slug TEXT, model TEXT NOT NULL,
  description TEXT, category TEXT, system_prompt TEXT, source_template TEXT,
  created_at INTEGER NOT NULL
);

CREATE TABLE flows (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  installation_id INTEGER NOT NULL,
  name TEXT NOT NULL, description TEXT, notes TEXT,
  status TEXT NOT NULL DEFAULT 'inactive' CHECK (status IN ('active', 'inactive')),
  draft_graph TEXT NOT NULL,
  published_version_id TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);

CREATE TABLE flow_versions (
  id TEXT PRIMARY KEY,
  flow_id TEXT NOT NULL REFERENCES flows(id) ON DELETE CASCADE,
  version_number INTEGER NOT NULL, graph TEXT NOT NULL, created_at INTEGER NOT NULL
);

CREATE TABLE job_runs (
  id TEXT PRIMARY KEY,
  assignment_id TEXT, trigger_id TEXT,
  flow_id TEXT REFERENCES flows(id) ON DELETE SET NULL,
  flow_version_id TEXT REFERENCES flow_versions(id) ON DELETE SET NULL,
  retry_of_job_run_id TEXT REFERENCES job_runs(id) ON DELETE SET NULL,
  runtime_provider TEXT, runtime_run_id TEXT, workflow_run_id TEXT,
  idempotency_key TEXT UNIQUE,
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'running', 'success', 'failed', 'cancelled')),
  created_at INTEGER NOT NULL, started_at INTEGER, completed_at INTEGER,
  input_tokens INTEGER, output_tokens INTEGER, cost_usd REAL, duration_ms INTEGER, error TEXT,
  start_attempts INTEGER NOT NULL DEFAULT 0,
  last_start_attempt_at INTEGER, last_start_error TEXT,
  last_start_source TEXT
    CHECK (last_start_source IN ('webhook', 'cron', 'repair', 'manual_retry', 'queue_release', 'api')),
  cancel_requested_at INTEGER, cancelled_at INTEGER, cancel_reason TEXT, cancel_error TEXT,
  metadata TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX job_runs_by_flow ON job_runs(flow_id, created_at);
CREATE INDEX job_runs_by_status ON job_runs(status, created_at);

CREATE TABLE flow_node_runs (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  job_run_id TEXT NOT NULL REFERENCES job_runs(id) ON DELETE CASCADE,
  flow_id TEXT, flow_version_id TEXT,
  node_id TEXT NOT NULL, node_type TEXT NOT NULL, node_label TEXT,
  status TEXT NOT NULL
    CHECK (status IN ('pending', 'running', 'success', 'failed', 'skipped', 'cancelled')),
  started_at INTEGER, completed_at INTEGER, duration_ms INTEGER, error TEXT, output TEXT,
  created_at INTEGER NOT NULL
);
CREATE INDEX flow_node_runs_by_job ON flow_node_runs(job_run_id);

CREATE TABLE flow_waits (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  job_run_id TEXT NOT NULL REFERENCES job_runs(id) ON DELETE CASCADE,
  flow_id TEXT, flow_version_id TEXT, installation_id INTEGER, repo_id TEXT,
  node_id TEXT NOT NULL, wait_kind TEXT NOT NULL, wait_config TEXT NOT NULL DEFAULT '{}',
  resume_token TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'resumed', 'expired', 'cancelled')),
  expires_at INTEGER, created_at INTEGER NOT NULL, resumed_at INTEGER,
  resume_payload TEXT, resume_delivery_id TEXT
);
CREATE INDEX flow_waits_by_job ON flow_waits(job_run_id);

CREATE TABLE review_findings (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  job_run_id TEXT NOT NULL REFERENCES job_runs(id) ON DELETE CASCADE,
  repo_id TEXT, repo_full_name TEXT, pr_number INTEGER, head_sha TEXT,
  ordinal INTEGER NOT NULL, fingerprint TEXT NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('critical', 'warning', 'suggestion')),
  title TEXT NOT NULL, body TEXT NOT NULL, path TEXT, line INTEGER,
  status TEXT NOT NULL DEFAULT 'open',
  issue_number INTEGER, issue_url TEXT, dismissed_at INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (job_run_id, ordinal)
);

CREATE TABLE sandboxes (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  repo_id TEXT REFERENCES repos(id) ON DELETE CASCADE,
  sandbox_id TEXT NOT NULL DEFAULT 'pending',
  base_branch TEXT NOT NULL, working_branch TEXT NOT NULL, root_directory TEXT,
  status TEXT NOT NULL
    CHECK (status IN ('creating', 'installing', 'running', 'pausing', 'paused', 'stopped', 'error')),
  stop_reason TEXT, health_status TEXT NOT NULL DEFAULT 'unknown', preview_url TEXT,
  install_log TEXT, dev_log TEXT, runtime TEXT, persistent INTEGER NOT NULL DEFAULT 1,
  error TEXT, last_boot_error TEXT, last_preview_error TEXT, last_preview_http_status INTEGER,
  boot_attempts INTEGER NOT NULL DEFAULT 0,
  last_boot_started_at INTEGER, last_boot_completed_at INTEGER, last_health_check_at INTEGER,
  limit_claim_id TEXT, stopped_at INTEGER,
  created_at INTEGER NOT NULL, last_active_at INTEGER NOT NULL
);
CREATE INDEX sandboxes_by_user ON sandboxes(user_id, last_active_at);

CREATE TABLE sandbox_lifecycle_events (
  id TEXT PRIMARY KEY,
  sandbox_id TEXT NOT NULL REFERENCES sandboxes(id) ON DELETE CASCADE,
  event_type TEXT NOT NULL, decision_code TEXT, worker_run_id TEXT,
  payload TEXT NOT NULL DEFAULT '{}', created_at INTEGER NOT NULL
);
CREATE INDEX sandbox_lifecycle_by_sandbox ON sandbox_lifecycle_events(sandbox_id, created_at);

CREATE TABLE ai_calls (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  type TEXT NOT NULL CHECK (type IN ('chat', 'pr_review', 'cron_refactor', 'cron', 'agent', 'push_review',
    'issue_triage', 'ci_failure', 'mention', 'pr_comment', 'issue_comment', 'labeled', 'tag_push')),
  model TEXT NOT NULL,
  input_tokens INTEGER, output_tokens INTEGER,
  cache_read_input_tokens INTEGER, cache_creation_input_tokens INTEGER, reasoning_tokens INTEGER,
  total_tokens INTEGER GENERATED ALWAYS AS (COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)) STORED,
  cost_usd REAL, cost_source TEXT CHECK (cost_source IN ('trigger', 'gateway', 'manual')),
  gateway_generation_id TEXT, gateway_generation_ids TEXT,
  duration_ms INTEGER, started_at INTEGER NOT NULL, completed_at INTEGER,
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'streaming', 'success', 'failed', 'cancelled')),
  error TEXT, conversation_id TEXT,
  job_run_id TEXT,  -- no foreign key: calls outlive their job
  repo_id TEXT REFERENCES repos(id) ON DELETE SET NULL,
  limit_claim_id TEXT UNIQUE,
  cancel_requested_at INTEGER,
  control_state TEXT NOT NULL DEFAULT 'active'
    CHECK (control_state IN ('active', 'cancel_requested', 'cancelled')),
  runtime_command_id TEXT,
  tool_calls_count INTEGER NOT NULL DEFAULT 0, tool_calls TEXT NOT NULL DEFAULT '[]',
  metadata TEXT NOT NULL DEFAULT '{}',
  source TEXT GENERATED ALWAYS AS (json_extract(metadata, '$.source')) VIRTUAL
);
CREATE INDEX ai_calls_by_user ON ai_calls(user_id, started_at);
CREATE INDEX ai_calls_by_status ON ai_calls(user_id, status, started_at);
CREATE INDEX ai_calls_by_job ON ai_calls(job_run_id) WHERE job_run_id IS NOT NULL;
CREATE INDEX ai_calls_by_sandbox ON ai_calls(user_id, json_extract(metadata, '$.sandbox_record_id'))
  WHERE json_extract(metadata, '$.sandbox_record_id') IS NOT NULL;
CREATE INDEX ai_calls_unreconciled ON ai_calls(user_id, completed_at)
  WHERE gateway_generation_id IS NOT NULL AND cost_source IS NOT 'gateway';
CREATE INDEX ai_calls_by_agent ON ai_calls(json_extract(metadata, '$.agent_id'), user_id, started_at)
  WHERE json_extract(metadata, '$.agent_id') IS NOT NULL;
-- The surfaces that a list may ask for, in the words that it asks with (call_queries.py).
CREATE INDEX ai_calls_automation ON ai_calls(user_id, started_at) WHERE job_run_id IS NOT NULL;
CREATE INDEX ai_calls_cli ON ai_calls(user_id, started_at)
  WHERE job_run_id IS NULL AND (runtime_command_id IS NOT NULL OR source = 'cli');
CREATE INDEX ai_calls_cloud ON ai_calls(user_id, started_at) WHERE job_run_id IS NULL AND runtime_command_id IS NULL
  AND source IS NOT 'cli' AND status NOT IN ('pending', 'streaming');
CREATE INDEX ai_calls_with_tools ON ai_calls(user_id, started_at) WHERE tool_calls_count > 0;

-- Sums of calls by the day of their start (UTC), kept by triggers: figures then cost as much as there are days.
CREATE TABLE call_days (
  user_id TEXT NOT NULL, day INTEGER NOT NULL, model TEXT NOT NULL, type TEXT NOT NULL,
  calls INTEGER NOT NULL, tokens INTEGER NOT NULL, succeeded INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, timed INTEGER NOT NULL, cost_usd REAL NOT NULL,
  PRIMARY KEY (user_id, day, model, type)
) WITHOUT ROWID;
CREATE TRIGGER call_days_insert AFTER INSERT ON ai_calls BEGIN
  INSERT INTO call_days VALUES (NEW.user_id, NEW.started_at / 86400000000, NEW.model, NEW.type, 1,
    CASE WHEN NEW.input_tokens IS NULL AND NEW.output_tokens IS NULL AND NEW.cache_read_input_tokens IS NULL
      AND NEW.cache_creation_input_tokens IS NULL THEN NEW.total_tokens
      ELSE COALESCE(NEW.input_tokens, 0) + COALESCE(NEW.output_tokens, 0)
        + COALESCE(NEW.cache_read_input_tokens, 0) + COALESCE(NEW.cache_creation_input_tokens, 0) END,
    NEW.status = 'success', COALESCE(NEW.duration_ms, 0), NEW.duration_ms IS NOT NULL, COALESCE(NEW.cost_usd, 0))
  ON CONFLICT DO UPDATE SET calls = calls + 1, tokens = tokens + excluded.tokens,
    succeeded = succeeded + excluded.succeeded, duration_ms = duration_ms + excluded.duration_ms,
    timed = timed + excluded.timed, cost_usd = cost_usd + excluded.cost_usd;
END;
CREATE TRIGGER call_days_update AFTER UPDATE OF user_id, started_at, model, type, status, duration_ms, cost_usd,
  input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens ON ai_calls BEGIN
  UPDATE call_days SET calls = calls - 1,
    tokens = tokens - CASE WHEN OLD.input_tokens IS NULL AND OLD.output_tokens IS NULL AND OLD.cache_read_input_tokens IS NULL
      AND OLD.cache_creation_input_tokens IS NULL THEN OLD.total_tokens
      ELSE COALESCE(OLD.input_tokens, 0) + COALESCE(OLD.output_tokens, 0)
        + COALESCE(OLD.cache_read_input_tokens, 0) + COALESCE(OLD.cache_creation_input_tokens, 0) END,
    succeeded = succeeded - (OLD.status = 'success'), duration_ms = duration_ms - COALESCE(OLD.duration_ms, 0),
    timed = timed - (OLD.duration_ms IS NOT NULL), cost_usd = cost_usd - COALESCE(OLD.cost_usd, 0)
  WHERE user_id = OLD.user_id AND day = OLD.started_at / 86400000000 AND model = OLD.model AND type = OLD.type;
  INSERT INTO call_days VALUES (NEW.user_id, NEW.started_at / 86400000000, NEW.model, NEW.type, 1,
    CASE WHEN NEW.input_tokens IS NULL AND NEW.output_tokens IS NULL AND NEW.cache_read_input_tokens IS NULL
      AND NEW.cache_creation_input_tokens IS NULL THEN NEW.total_tokens
      ELSE COALESCE(NEW.input_tokens, 0) + COALESCE(NEW.output_tokens, 0)
        + COALESCE(NEW.cache_read_input_tokens, 0) + COALESCE(NEW.cache_creation_input_tokens, 0) END,
    NEW.status = 'success', COALESCE(NEW.duration_ms, 0), NEW.duration_ms IS NOT NULL, COALESCE(NEW.cost_usd, 0))
  ON CONFLICT DO UPDATE SET calls = calls + 1, tokens = tokens + excluded.tokens,
    succeeded = succeeded + excluded.succeeded, duration_ms = duration_ms + excluded.duration_ms,
    timed = timed + excluded.timed, cost_usd = cost_usd + excluded.cost_usd;
END;
CREATE TRIGGER call_days_delete AFTER DELETE ON ai_calls BEGIN
  UPDATE call_days SET calls = calls - 1,
    tokens = tokens - CASE WHEN OLD.input_tokens IS NULL AND OLD.output_tokens IS NULL AND OLD.cache_read_input_tokens IS NULL
      AND OLD.cache_creation_input_tokens IS NULL THEN OLD.total_tokens
      ELSE COALESCE(OLD.input_tokens, 0) + COALESCE(OLD.output_tokens, 0)
        + COALESCE(OLD.cache_read_input_tokens, 0) + COALESCE(OLD.cache_creation_input_tokens, 0) END,
    succeeded = succeeded - (OLD.status = 'success'), duration_ms = duration_ms - COALESCE(OLD.duration_ms, 0),
    timed = timed - (OLD.duration_ms IS NOT NULL), cost_usd = cost_usd - COALESCE(OLD.cost_usd, 0)
  WHERE user_id = OLD.user_id AND day = OLD.started_at / 86400000000 AND model = OLD.model AND type = OLD.type;
END;

-- The same figures from the calls themselves, for loads that suspend the triggers.
CREATE VIEW call_figures AS SELECT id, user_id, started_at / 86400000000 AS day, model, type, 1 AS calls,
  CASE WHEN input_tokens IS NULL AND output_tokens IS NULL AND cache_read_input_tokens IS NULL
    AND cache_creation_input_tokens IS NULL THEN total_tokens
    ELSE COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)
      + COALESCE(cache_read_input_tokens, 0) + COALESCE(cache_creation_input_tokens, 0) END AS tokens,
  status = 'success' AS succeeded, COALESCE(duration_ms, 0) AS duration_ms, duration_ms IS NOT NULL AS timed,
  COALESCE(cost_usd, 0.0) AS cost_usd
FROM ai_calls;
CREATE VIEW call_sums AS SELECT user_id, day, model, type, SUM(calls) AS calls, SUM(tokens) AS tokens,
  SUM(succeeded) AS succeeded, SUM(duration_ms) AS duration_ms, SUM(timed) AS timed, SUM(cost_usd) AS cost_usd
FROM call_figures GROUP BY user_id, day, model, type;

CREATE TABLE ai_call_events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,  -- random; nothing looks an event up by it
  ai_call_id TEXT NOT NULL REFERENCES ai_calls(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL, conversation_id TEXT, repo_id TEXT,
  event_type TEXT NOT NULL CHECK (event_type IN ('started', 'status_changed', 'tool_started', 'tool_finished',
    'cancel_requested', 'cancelled', 'finished', 'failed', 'log')),
  tool_name TEXT, message TEXT, payload TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL
);
CREATE INDEX ai_call_events_by_call ON ai_call_events(ai_call_id, created_at);

CREATE TABLE external_agent_runs (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  repo_id TEXT NOT NULL REFERENCES repos(id) ON DELETE CASCADE,
  ai_call_id TEXT NOT NULL UNIQUE REFERENCES ai_calls(id) ON DELETE CASCADE,
  sandbox_record_id TEXT REFERENCES sandboxes(id) ON DELETE SET NULL,
  idempotency_key TEXT NOT NULL, request_hash TEXT NOT NULL,
  harness TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'streaming', 'success', 'failed', 'cancelled')),
  prompt TEXT NOT NULL,
  base_branch TEXT NOT NULL, working_branch TEXT NOT NULL, create_branch INTEGER NOT NULL DEFAULT 0,
  root_directory TEXT, conversation_id TEXT, workspace_session_id TEXT, mode TEXT,
  runtime_provider TEXT, runtime_run_id TEXT, error TEXT,
  metadata TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (user_id, idempotency_key)
);

CREATE TABLE automation_dispatch_events (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  job_run_id TEXT REFERENCES job_runs(id) ON DELETE SET NULL,
  assignment_id TEXT, trigger_id TEXT,
  flow_id TEXT REFERENCES flows(id) ON DELETE SET NULL,
  flow_version_id TEXT REFERENCES flow_versions(id) ON DELETE SET NULL,
  repo_id TEXT REFERENCES repos(id) ON DELETE SET NULL, installation_id INTEGER,
  source_kind TEXT NOT NULL CHECK (source_kind IN ('assignment', 'trigger', 'flow', 'manual_retry')),
  source_type TEXT NOT NULL,
  event_kind TEXT NOT NULL CHECK (event_kind IN ('enqueue', 'start', 'control')),
  outcome TEXT NOT NULL CHECK (outcome IN ('queued', 'suppressed', 'started', 'deferred', 'start_failed',
    'completed', 'failed', 'cancel_requested', 'cancelled', 'cancel_failed', 'reconciled')),
  reason TEXT, metadata TEXT NOT NULL DEFAULT '{}', created_at INTEGER NOT NULL
);
CREATE INDEX dispatch_events_by_user ON automation_dispatch_events(user_id, created_at);
CREATE INDEX dispatch_events_by_job ON automation_dispatch_events(job_run_id, created_at);

CREATE TABLE limit_events (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES profiles(id) ON DELETE CASCADE,
  route_key TEXT NOT NULL CHECK (route_key IN
    ('chat', 'external_agent_run', 'snapshot_build', 'sandbox_boot', 'sandbox_exec')),
  resource_id TEXT, repo_id TEXT, sandbox_id TEXT,
  decision TEXT NOT NULL CHECK (decision IN ('allowed', 'denied')),
  reason TEXT, limit_name TEXT, window_seconds INTEGER, limit_value INTEGER, remaining INTEGER,
  retry_after_seconds INTEGER, claim_id TEXT UNIQUE, metadata TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL
);
CREATE INDEX limit_events_by_user ON limit_events(user_id, route_key, created_at);

CREATE TABLE plane_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
