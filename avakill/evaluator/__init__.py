"""IR × Event → Ruling: whether a tool call may happen. Floor 3, pure."""
