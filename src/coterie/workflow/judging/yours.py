"""The user's own function from the user's own file; see coterie/yours.py, where the adapters find it, too."""

from coterie.yours import FAILURES, read_function, told

__all__ = ["FAILURES", "read_function", "told"]
