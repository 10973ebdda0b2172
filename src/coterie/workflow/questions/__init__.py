"""What is asked of a run or of recorded episodes, and what is tried then."""
