"""All that people look at: terminal, figures, animation, report. Nothing here prints; only the command does."""
