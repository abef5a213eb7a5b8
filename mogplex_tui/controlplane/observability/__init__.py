"""Lists and statistics of calls, jobs and the dispatch ledger."""
