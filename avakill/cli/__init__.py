"""The command line: the one place that knows all names. Floor 7."""
