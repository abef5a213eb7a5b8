-- The engine: who a job run belongs to through any of its three parents, where it came from, and what waits.

-- 'story' is work that the plane tells by itself, 'outside' came in by a request or a clock: people answer the latter.
ALTER TABLE job_runs ADD COLUMN origin TEXT NOT NULL DEFAULT 'story' CHECK (origin IN ('story', 'outside'));

CREATE VIEW job_owners AS SELECT j.id AS job_run_id, j.status, j.created_at,
  json_extract(j.metadata, '$.repo_id') AS repo_id,
  COALESCE(f.user_id, r.user_id, t.user_id) AS owner_id,
  COALESCE(f.installation_id, r.github_installation_id, t.installation_id) AS owner_installation_id
FROM job_runs j LEFT JOIN flows f ON f.id = j.flow_id
  LEFT JOIN assignments a ON a.id = j.assignment_id LEFT JOIN repos r ON r.id = a.repo_id
  LEFT JOIN triggers t ON t.id = j.trigger_id;

CREATE INDEX flow_waits_waiting ON flow_waits(wait_kind, expires_at) WHERE status = 'waiting';
CREATE INDEX flows_active ON flows(installation_id) WHERE status = 'active';
CREATE INDEX repos_by_name ON repos(full_name COLLATE NOCASE);
-- The loop breaker counts the mention runs of one conversation.
CREATE INDEX job_runs_mentions ON job_runs(created_at)
  WHERE json_extract(metadata, '$.source_type') = 'mention';
