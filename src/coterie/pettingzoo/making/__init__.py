"""From a word, a function or an object of the user to environments."""
