-- Indexes for the long lists of a large history: they hold every column that a filter, a sort or a count looks at, so
-- that the wide rows themselves are read for the page alone.

CREATE INDEX ai_calls_narrow
  ON ai_calls(user_id, started_at, status, type, model, repo_id, conversation_id, duration_ms);
-- The surfaces of call_queries.py, with the same columns.
DROP INDEX ai_calls_automation;
CREATE INDEX ai_calls_automation
  ON ai_calls(user_id, started_at, status, type, model, repo_id, conversation_id, duration_ms)
  WHERE job_run_id IS NOT NULL;
DROP INDEX ai_calls_cli;
CREATE INDEX ai_calls_cli
  ON ai_calls(user_id, started_at, status, type, model, repo_id, conversation_id, duration_ms)
  WHERE job_run_id IS NULL AND (runtime_command_id IS NOT NULL OR source = 'cli');
DROP INDEX ai_calls_cloud;
CREATE INDEX ai_calls_cloud
  ON ai_calls(user_id, started_at, status, type, model, repo_id, conversation_id, duration_ms)
  WHERE job_run_id IS NULL AND runtime_command_id IS NULL
  AND source IS NOT 'cli' AND status NOT IN ('pending', 'streaming');
-- What metadata is filtered by: few calls have these.
DROP INDEX ai_calls_by_sandbox;
CREATE INDEX ai_calls_by_sandbox ON ai_calls(json_extract(metadata, '$.sandbox_record_id'), user_id, started_at)
  WHERE json_extract(metadata, '$.sandbox_record_id') IS NOT NULL;
CREATE INDEX ai_calls_by_slack ON ai_calls(json_extract(metadata, '$.slack_attribution_mode'), user_id, started_at)
  WHERE json_extract(metadata, '$.slack_attribution_mode') IS NOT NULL;
CREATE INDEX ai_calls_by_pull ON ai_calls(user_id, json_extract(metadata, '$.pr_number'))
  WHERE json_extract(metadata, '$.pr_number') IS NOT NULL;
