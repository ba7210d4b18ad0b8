"""Reasons of the marts in `article/`, in words."""

from __future__ import annotations

from warehouse.marts.wording import Words

WORDS: dict[str, Words] = {}
