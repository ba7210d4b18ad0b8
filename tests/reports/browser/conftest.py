"""A real browser on the published site: Debian's chromium, headless, without a network.

The site is that of the one run which all tests share. `OVERBUILD_TEST_SITE` names another folder, for whoever writes a
page and wants to try it without a run. Where there is no chromium, these tests are skipped in one line.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-extensions"]


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if not found:
        pytest.skip("needs a browser: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator:
    """A browser for a file of tests. Its driver keeps an event loop running in this thread, and other files run their own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(chromium: str, request: pytest.FixtureRequest) -> Path:
    """The folder of the published site."""
    given = os.environ.get("OVERBUILD_TEST_SITE")
    if given:
        return Path(given).resolve()
    home, _ = request.getfixturevalue("published")
    return (Path(home) / "site").absolute()
