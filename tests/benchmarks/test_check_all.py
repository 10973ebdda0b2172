"""The page about `check-env` says what was saved, and names all that is looked for."""

import json
import re
from pathlib import Path

CHECK = Path(__file__).parents[2] / "src" / "coterie" / "pettingzoo" / "check"


def test_the_page_is_written_from_the_saved_results(script):
    check_all = script("check_all")
    assert check_all.PAGE.read_text() == check_all.page()


def test_every_environment_was_asked(script):
    check_all = script("check_all")
    saved = json.loads(check_all.RESULTS.read_text())["checks"]
    assert list(saved) == list(check_all.ENVIRONMENTS)
    assert all(told["facts"] for told in saved.values())


def test_the_page_names_everything_that_can_be_found(script):
    """Items are made by Item("severity", "name", …), and told in conduct.TOLD; some names hold a part of their own."""
    check_all = script("check_all")
    named = {name for _, found in check_all.QUESTIONS for name in found.split(", ")}
    text = "".join(path.read_text() for path in CHECK.glob("*.py"))
    made = set(re.findall(r'Item\(\s*"(?:error|warning|note)"(?: if \w+ else "\w+")?,\s*"([^"]+)"', text))
    made |= set(re.findall(r'^    "([a-z_ ]+)": \(\s*"(?:error|warning|note)"', text, re.MULTILINE))
    assert len(made) > 50
    assert made - named == set()
    by_part = {"observation kind", "observation list", "observation part", "observation extra", "observation range",
               "observation dtype", "observation shape", "observation no number", "new observation space",
               "new action space", "observations of another sort", "actions of another sort", "reset raised",
               "step raised", "reset returns", "step returns", "not selected"}  # fmt: skip
    assert named - made == by_part
