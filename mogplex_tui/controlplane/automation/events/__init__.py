"""Turn events into queued job runs: matching, dispatch, waits and schedules."""
