"""The forms that environments come in, each behind the same arrays."""
