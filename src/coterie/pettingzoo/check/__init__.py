"""What an environment is, what is wrong with it, and how to train on it: found out by playing it."""
