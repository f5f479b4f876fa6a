"""Change of definitions: a view or table gets another plan; what depends on it follows, or the change is refused."""
