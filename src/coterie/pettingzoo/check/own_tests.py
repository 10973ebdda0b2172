"""PettingZoo's own API tests, briefly, their complaints retold."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

from coterie.pettingzoo.check.items import Item, Trial
from coterie.yours import FAILURES, told

NAME = "PettingZoo's own test"
MOST_TOLD = 3


def own_test(environment: Any, in_turns: bool, cycles: int) -> tuple[list[Trial], list[Item]]:
    """Run `parallel_api_test` or `api_test` over some cycles."""
    with warnings.catch_warnings(record=True) as heard, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        from pettingzoo.test import api_test, parallel_api_test

        name = "api_test" if in_turns else "parallel_api_test"
        heard.clear()
        try:
            if in_turns:
                api_test(environment, num_cycles=cycles)
            else:
                parallel_api_test(environment, num_cycles=cycles)
        except FAILURES as error:
            what = f"PettingZoo's {name} fails: {told(error)}"
            return [Trial(NAME, False, f"{name}: {told(error)}")], [
                Item("warning", "api test", what, f"{cycles} cycles")
            ]
    said = list(dict.fromkeys(" ".join(str(one.message).split()) for one in heard))
    also = f"; it warns: {'; '.join(said[:MOST_TOLD])}" if said else ""
    return [Trial(NAME, True, f"{name} passes{also}")], []
