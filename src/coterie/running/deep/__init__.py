"""Runs of deep learners: many seeds side by side, checked, saved and resumed."""
