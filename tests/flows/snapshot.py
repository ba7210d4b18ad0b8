"""A snapshot that is changed on its way in: lines and fields of its files."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path


def edit(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the lines of a file of the snapshot, packed or not."""
    packed = path.name.endswith(".gz")
    lines = (gzip.decompress(path.read_bytes()) if packed else path.read_bytes()).decode().splitlines()
    body = ("\n".join(change(lines)) + "\n").encode()
    path.write_bytes(gzip.compress(body) if packed else body)


def field(lines: list[str], row: int, column: str, value: str) -> list[str]:
    """`lines` with one field of data row `row` (from 1) replaced."""
    header = lines[0].split(",")
    cells = next(csv.reader([lines[row]]))
    cells[header.index(column)] = value
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return [*lines[:row], out.getvalue(), *lines[row + 1 :]]
