"""Who the agents of an environment are, what they see and do, and whether they keep to it."""
