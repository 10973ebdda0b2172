"""Our environments in PettingZoo's forms."""
