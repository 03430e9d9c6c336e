"""The words of a run: what a caller asks, and what it is told. Floor 2."""
