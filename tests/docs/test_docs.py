"""The documents tell the truth: the tutorial runs from top to bottom, links lead somewhere, commands parse."""

import re
import shlex
from pathlib import Path

import pytest
from small_runs import parse_only

from coterie.cli import main
from coterie.types import Kind, Spec

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PLACEHOLDERS = {"FILE": "file.gif", "RUN": "latest", "ENV": "rendezvous", "ENVIRONMENT": "rendezvous", "…": ""}


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page in some languages, in order."""
    return [(language, text) for language, text in BLOCK.findall(page.read_text()) if language in languages]


def headings(page: Path) -> set[str]:
    """What a page's headings are called in links, as GitHub does it."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(page: Path) -> list[str]:
    """Every `coterie …` command line of a page: in shell blocks, and as code in its text."""
    text = page.read_text()
    found = [
        line.removeprefix("$ ").partition("  #")[0].strip()
        for _, block in blocks(page, "sh", "console", "bash", "shell")
        for line in block.splitlines()
    ]
    found += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    return [command for command in found if command.startswith("coterie ") and command != "coterie …"]


def understood(command: str) -> list[str]:
    """A command line's words, with something real for what stands for something."""
    return [word for given in shlex.split(command)[1:] if (word := PLACEHOLDERS.get(given, given))]


def test_the_tutorial_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    ran = executed(ROOT / "docs" / "tutorial.md", tmp_path, monkeypatch, capsys)
    assert {"python", "train", "watch", "solve", "judge", "evaluate", "lesson"} <= set(ran)
    assert (tmp_path / "wall.gif").exists()
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"first", "tutorial", "bribed", "in-python"}


def test_the_page_about_reasons_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    ran = executed(ROOT / "docs" / "why_not_coordinate.md", tmp_path, monkeypatch, capsys)
    assert {"python", "train", "diagnose", "solve", "compare"} <= set(ran)
    assert (tmp_path / "theirs-report.html").exists()


def test_the_page_about_played_tables_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    page = ROOT / "docs" / "environments" / "pettingzoo_tables.md"
    grid = next(text for _, text in blocks(page, "python") if text.startswith("# grid.py"))
    (tmp_path / "grid.py").write_text(grid)
    monkeypatch.syspath_prepend(tmp_path)
    ran = executed(page, tmp_path, monkeypatch, capsys)
    assert ran == ["python", "solve", "train", "solve", "python", "solve"]


def executed(page, folder, monkeypatch, capsys) -> list[str]:
    """Runs a page's Python in one namespace and its commands through the command, in one folder, in order."""
    monkeypatch.chdir(folder)
    namespace: dict = {"__name__": "tutorial"}
    ran = []
    for language, text in blocks(page, "python", "console"):
        if language == "python":
            exec(compile(text, page.name, "exec"), namespace)
            ran.append("python")
            continue
        for line in text.splitlines():
            if line.startswith("$ "):
                words = shlex.split(line.removeprefix("$ "))
                assert words[0] == "coterie"
                code = main([*words[1:], *(["--seeds", FEWER] if is_costly(words) else [])])
                _, err = capsys.readouterr()
                assert code == 0, f"{line}: {err}"
                ran.append(words[1])
    return ran


FEWER = "20"


def is_costly(words: list[str]) -> bool:
    """Whether a command trains a thousand teams and draws them, which the reader waits for and a test need not."""
    return words[1] == "train" and "--seeds" not in words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in LINK.findall(BLOCK.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, heading = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if heading and target.suffix == ".md":
            assert heading in headings(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_parse(page, monkeypatch):
    unseen = Spec(("a",), (Kind((0,), 2, (3,), "float32"),), (0,), (0,), (0,))  # the package or file may not be here
    monkeypatch.setattr("coterie.workflow.deep.choosing.seen", lambda *_: (unseen, False))
    for command in commands(page):
        try:
            parse_only(understood(command))
        except Exception as error:
            pytest.fail(f"{command}: {error}")


def test_there_are_commands_to_parse():
    """The test above must not pass because nothing was found."""
    assert len(commands(ROOT / "README.md")) >= 15
    assert "coterie train rendezvous --ladder" in commands(ROOT / "README.md")


@pytest.mark.parametrize(
    "command", ["coterie train rendezvous --env.sise 3", "coterie trian rendezvous", "coterie watch"]
)
def test_a_command_that_does_not_exist_is_found(command):
    with pytest.raises(ValueError, match=r"there is no|which run"):
        parse_only(understood(command))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_in_the_documents_compiles(page):
    for _, text in blocks(page, "python"):
        compile(text, page.name, "exec")


def test_the_loop_of_the_readme_runs(tmp_path, monkeypatch):
    """Every Python block of the README, in one namespace; the run in it with fewer teams."""
    monkeypatch.chdir(tmp_path)
    namespace: dict = {"__name__": "readme"}
    for _, text in blocks(ROOT / "README.md", "python"):
        fewer = text.replace("seeds=1000)", "seeds=50, episodes=500, pictures=False)")
        exec(compile(fewer, "README.md", "exec"), namespace)
    assert namespace["run"].verdict.teams == 50
    assert namespace["termination"]
    assert namespace["info"]["success"]


def test_the_rule_on_the_page_is_the_one_that_is_shipped_and_measured():
    rule = (ROOT / "docs" / "examples" / "pistonball_rule.py").read_text()
    shown = [text for _, text in blocks(ROOT / "docs" / "pettingzoo.md", "python") if "def act(" in text]
    assert len(shown) == 1
    assert rule.endswith(shown[0])
