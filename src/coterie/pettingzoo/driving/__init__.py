"""Environments stepped side by side behind arrays, with a journal of their episodes."""
