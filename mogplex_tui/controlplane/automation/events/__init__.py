"""From an event to queued work: matching, dispatch, waits and schedules."""
