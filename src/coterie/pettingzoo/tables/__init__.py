"""The exact tables of small games, found by stepping them."""
