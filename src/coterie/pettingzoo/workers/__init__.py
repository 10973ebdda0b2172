"""Environments in other processes, which may fail, hang or be killed."""
