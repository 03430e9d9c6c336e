"""IR × target → artifacts with verdicts: one folder a backend, found by entry point. Floor 3: pure."""
