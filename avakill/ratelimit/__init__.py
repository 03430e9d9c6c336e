"""How often a rule may still allow: sliding windows in memory, in SQLite, in Redis. Floor 4."""
