"""Static text: starter policies. Floor 1: no code, no policy value."""
