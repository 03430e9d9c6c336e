"""The policy decision and enforcement point inside a Python program: decide, limit, ask, record. Floor 5."""
