"""Makes the hand-made games of tests/finite importable from every folder of tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "finite"))
