"""Lines of text for a person: as wide as the terminal, indented below what they are about, and safe to show.

What a document says may hold anything, also the control characters with which a terminal is cleared, coloured or made to
type. They are shown as what they are (`\\x1b`) and never sent to it.
"""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

WIDEST, NARROWEST = 110, 20
# C0 but for the line feed, DEL, C1, and what turns the direction of text or cannot be seen in it.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def printable(text: str) -> str:
    """The text with every control character written out."""
    return _CONTROL.sub(lambda found: _escaped(found.group()), text)


def _escaped(character: str) -> str:
    code = ord(character)
    return {9: " ", 13: ""}.get(code, f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def width() -> int:
    """Characters of a line: those of the terminal, and not more than one reads with ease."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 40)).columns))


def wrapped(text: str, indent: int = 0, first: str = "") -> list[str]:
    """Text as lines of the terminal's width; `first` begins the first one, and the others are indented."""
    # `25 %` is one word: a line never ends between a number and its sign.
    kept = printable(text).replace(" %", "\xa0%")
    out: list[str] = []
    for part in kept.split("\n"):
        begin = " " * indent if out else first
        wrap = textwrap.TextWrapper(
            width=width(),
            initial_indent=begin,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        out += [line.replace("\xa0", " ") for line in wrap.wrap(part)]
    return out or [first.rstrip()]


def labelled(values: Mapping[str, Any]) -> list[str]:
    """A line for each value after its name, values below each other; what is unknown or empty is left out."""
    from warehouse.reports.values import readable

    shown = {printable(name): readable(value) for name, value in values.items() if value not in (None, "")}
    indent = max(map(len, shown), default=0) + 2
    return [line for name, value in shown.items() for line in wrapped(value, indent, name.ljust(indent))]


def write(lines: Iterable[str]) -> None:
    """Write lines to standard output."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
