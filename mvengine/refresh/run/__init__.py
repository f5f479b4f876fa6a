"""Refreshes that run: their execution, the requests that reach them, and what start-up finds of them."""
