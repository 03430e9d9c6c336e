"""The audit trail: every decision in a journal before the caller is answered, then in a chained SQLite store. Floor 4."""
