"""Watching: what `coterie watch` needs beside its verb."""
