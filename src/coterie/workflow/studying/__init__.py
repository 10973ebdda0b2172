"""Studies: what a file asks for, and what it would cost."""
