"""Runs with neural networks."""
