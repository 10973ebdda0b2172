"""Verdicts on teams, ours and anybody's."""
