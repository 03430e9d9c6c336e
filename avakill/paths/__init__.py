"""Sets of paths: globs, their matching, and witnesses of their intersections. Floor 0: knows nobody."""
