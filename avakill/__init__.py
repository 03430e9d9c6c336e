"""Policy compiler for AI agents."""
