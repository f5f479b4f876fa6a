"""Refreshes that nobody asks for: when a table is due, and the thread that sees to it."""
