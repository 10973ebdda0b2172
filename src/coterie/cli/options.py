"""From flags to dataclasses: types become flags and help, mistakes become one sentence with the nearest name."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import typing
from pathlib import Path
from typing import Any

import tyro

from coterie.errors import BadInput, StorageFault, nearest

# what the parser says of a value that is no number
VALUE = re.compile(r"Error parsing (--\S+):.*(to float|for int\(\) with base 10): '([^']*)'")
KINDS = {"for int() with base 10": "a whole number", "to float": "a number"}
MISTAKE = 2  # the parser's exit code
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def parse(options: type, words: list[str], *, command: str, about: str) -> Any:
    """The options in a command's words; raises BadInput for an unknown flag or a value that does not fit."""
    if not any(word in ("-h", "--help") for word in words):
        known = flag_names(options)
        for word in words:
            flag = word.partition("=")[0].replace("_", "-")
            if flag.startswith("--") and flag not in known:
                raise BadInput(f"there is no option '{flag}' in coterie {command}{nearest(flag, known)}")
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(options, args=words, prog=f"coterie {command}", description=about)
    except SystemExit as stop:
        if not stop.code:
            print(f"\nNext: coterie {command.replace('RUN', 'latest').replace('FILE.py', './mine.py')}")
        if stop.code != MISTAKE:  # help was shown, or a signal came
            raise
        raise BadInput(f"{_sentence(complaint.getvalue())}; coterie {command} --help shows all options") from None


def with_options(name: str, base: type, **nested: tuple[Any, bool]) -> type:
    """A dataclass with further nested options: each a default instance, and whether its flags have no prefix."""
    fields = []
    for key, (default, flat) in nested.items():
        kind = typing.Annotated[type(default), tyro.conf.OmitArgPrefixes] if flat else type(default)
        fields.append((key, kind, dataclasses.field(default=default)))
    return dataclasses.make_dataclass(name, fields, bases=(base,), frozen=True)


def first_word(words: list[str], what: str, example: str) -> tuple[str, list[str]]:
    """The word that a command is about, and the rest; it stands before the flags."""
    if words and not words[0].startswith("-"):
        return words[0], words[1:]
    raise BadInput(f"which {what}? For example: {example}")


def flag_value(words: list[str], *flags: str) -> str | None:
    """The value that a flag has in a command's words, before they are parsed; the last one counts, as in parsing."""
    return next(reversed(flag_values(words, *flags)), None)


def flag_values(words: list[str], *flags: str) -> list[str]:
    """All values that a flag has in a command's words, before they are parsed."""
    found = []
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in flags and (equals or place + 1 < len(words)):
            found.append(value if equals else words[place + 1])
    return found


def flag_names(options: type, prefix: str = "") -> list[str]:
    """Every flag of a dataclass of options; nested ones have a prefix unless theirs is left out."""
    names = [] if prefix else ["--help"]
    hints = typing.get_type_hints(options, include_extras=True)
    for field in dataclasses.fields(options):
        hint, extras = hints[field.name], ()
        if typing.get_origin(hint) is typing.Annotated:
            hint, *extras = typing.get_args(hint)
        named = next((extra.name for extra in extras if getattr(extra, "name", None)), field.name)
        word = named.replace("_", "-")
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            flat = any(extra is tyro.conf.OmitArgPrefixes for extra in extras)
            names += flag_names(hint, prefix if flat else f"{prefix}{word}.")
        else:
            names.append(f"--{prefix}{word}")
            names += [f"--{prefix}no-{word}"] if hint is bool else []
            names += [alias for extra in extras for alias in getattr(extra, "aliases", None) or ()]
    return list(dict.fromkeys(names))


def _sentence(text: str) -> str:
    """The message inside the frame that the parser draws around it, with dashes alone where there is no Unicode."""
    sections: list[list[str]] = [[]]
    for line in COLOURS.sub("", text).splitlines():
        line = line.strip("│ ")
        if line.startswith(("╭", "╰", "────", "----")):
            sections.append([])
        elif line:
            sections[-1].append(line)
    titled = "╭" not in text  # then the title has a section of its own
    told = [" ".join(section) for section in sections if section][int(titled) :]
    if not told:
        return "the options could not be read"
    value = VALUE.match(told[0])
    return f"{value[1]} {value[3]}: expected {KINDS[value[2]]}" if value else told[0].rstrip(". ")


def fresh_file(flag: str, word: str, ending: str) -> Path | None:
    """The file that a flag names to write into; it must not exist, its folder must. None where none is named."""
    if not word:
        return None
    path = Path(word)
    if path.suffix.lower() != ending:
        raise BadInput(f"{flag} {word}: the name of such a file ends in {ending}")
    if path.exists():
        raise StorageFault(f"{flag} {word}: the file exists, and nothing is overwritten")
    if not path.parent.is_dir():
        raise StorageFault(f"{flag} {word}: there is no folder {path.parent}")
    return path
