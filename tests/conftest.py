"""Makes the hand-made games and the slow learner importable from every folder of tests."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / folder) for folder in ("finite", "tabular")]
