"""Every page that a run writes forbids what it does not need: a text of a document can then load and run nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

POLICY = re.compile(r"""<meta http-equiv="Content-Security-Policy"\s+content="(default-src 'none';[^"]+)">""")
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\b(?:src=|type=\"application/))[^>]*>|\son[a-z]+=\"", re.IGNORECASE)


@pytest.fixture(scope="module")
def pages(published) -> dict[str, str]:
    """The text of each page under a home, by its path in the release."""
    release = (Path(published[0]) / "current").resolve()
    found = sorted(path for path in release.rglob("*.html") if path.is_file())
    assert {"site", "quality", "export"} <= {path.relative_to(release).parts[0] for path in found}
    return {path.relative_to(release).as_posix(): path.read_text(encoding="utf-8") for path in found}


def test_every_page_has_a_policy_that_begins_with_nothing(pages):
    assert [name for name, text in pages.items() if len(POLICY.findall(text)) != 1] == []


def test_no_policy_lets_a_script_in_that_stands_in_the_page_or_comes_from_elsewhere(pages):
    policies = {policy for text in pages.values() for policy in POLICY.findall(text)}
    for policy in policies:
        scripts = next((part for part in policy.split(";") if part.strip().startswith("script-src")), "")
        assert "unsafe-inline" not in scripts
        assert "'unsafe-eval'" not in scripts
        assert "http" not in policy
        assert "*" not in policy


def test_no_page_needs_a_script_in_its_text(pages):
    assert [name for name, text in pages.items() if INLINE_SCRIPT.search(text.split("<body", 1)[0])] == []


def test_the_policy_comes_before_anything_that_it_rules(pages):
    late = [
        n for n, t in pages.items() if re.search(r"<(link|script|style|img)\b", t.split("Content-Security-Policy")[0])
    ]
    assert late == []
