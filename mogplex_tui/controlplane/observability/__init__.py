"""Lists and figures of calls, jobs and the dispatch ledger."""
