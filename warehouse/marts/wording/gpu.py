"""Reasons of the marts in `gpu/`, in words."""

from __future__ import annotations

from warehouse.marts.wording import Words

WORDS: dict[str, Words] = {}
