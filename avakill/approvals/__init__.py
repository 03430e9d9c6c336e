"""A person's word on one call: asked, given once, for exactly these arguments. Floor 4."""
