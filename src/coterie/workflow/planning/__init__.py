"""From words to a plan that is checked before anything starts."""
