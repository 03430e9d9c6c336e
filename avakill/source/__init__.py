"""Text, spans and diagnostics: floor 0, known by all and knowing nobody."""
