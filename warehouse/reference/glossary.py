"""The words of the project with their meanings, for the glossary in `docs/` and on the site."""

from __future__ import annotations

import tomllib
from pathlib import Path

FILE = Path(__file__).with_name("glossary.toml")


def glossary() -> dict[str, dict[str, str]]:
    """Meanings by term, within the part of the glossary that they stand in, as the file orders them."""
    parts: dict[str, dict[str, str]] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return parts
