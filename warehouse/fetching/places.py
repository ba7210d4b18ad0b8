"""What stands at a place in an archived document: the end of the way from a figure, or from a check that failed.

A place is said in the words of whoever read the document: `line 12` of a table, `us-gaap/Revenues/USD[3]` or `[7].close`
of JSON. Sources leave out what every one of their documents begins with, so a name is looked for a few levels below, too.
"""

from __future__ import annotations

import json
import re
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from warehouse.sources.common import unpacking

LONGEST = 500  # characters of a line
LARGEST_JSON = 64 << 20
PIECE_BYTES = 1 << 20
DEEPEST = 3
_STEP = re.compile(r"\[(\d+)\]|([^/.\[\]]+)")


class Place(NamedTuple):
    """The first line of a document where that names its columns, and what stands at the place; '' where it cannot be shown."""

    header: str
    text: str


def read(path: Path, locator: str) -> Place:
    """What stands at a place in a document, which may be packed. A document that is gone has nothing at any place."""
    if not path.exists():
        return Place("", "")
    word, _, number = locator.partition(" ")
    if word == "line" and number.isdigit():
        return _line(path, int(number))
    return Place("", _in_json(path, locator))


def _line(path: Path, number: int) -> Place:
    header = said = b""
    with path.open("rb") as raw, suppress(ValueError, OSError, EOFError, zlib.error):  # a damaged one has no such line
        file, place = unpacking.plain(raw), 1
        while part := file.readline(PIECE_BYTES):
            if place == number:
                said = part
                break
            header = header or part[:PIECE_BYTES]
            # A line longer than a piece goes on in the next one.
            place += part.endswith(b"\n")
    return Place(_text(header or said), _text(said))


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").rstrip("\r\n")[:LONGEST]


def _in_json(path: Path, locator: str) -> str:
    try:
        with path.open("rb") as file:
            body = unpacking.plain(file).read(LARGEST_JSON + 1)
        found = json.loads(body) if len(body) <= LARGEST_JSON else None
    except (ValueError, OSError, EOFError, zlib.error, RecursionError):
        return ""
    for index, name in _STEP.findall(locator):
        found = _below(found, int(index) if index else name, DEEPEST)
        if found is None:
            return ""
    return json.dumps(found, ensure_ascii=False)[:LONGEST]


def _below(node: Any, step: str | int, depth: int) -> Any:
    """What a step leads to from a node, or from one a few levels below it; None where it leads nowhere."""
    if isinstance(step, int):
        return node[step] if isinstance(node, list) and step < len(node) else None
    if isinstance(node, dict) and step in node:
        return node[step]
    if not depth:
        return None
    below = node.values() if isinstance(node, dict) else node[:1] if isinstance(node, list) else ()
    return next((found for each in below if (found := _below(each, step, depth - 1)) is not None), None)
