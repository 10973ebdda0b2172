"""Families of learners, one file each."""
