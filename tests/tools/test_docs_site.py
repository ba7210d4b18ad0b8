"""Pages of the documentation take nothing from elsewhere and run no script but the theme's own."""

from __future__ import annotations

import shutil

import pytest

from tools import docs_site

PAGE = (
    '<!doctype html><head><meta charset="utf-8"><script>a()</script></head><body><script src="x.js"></script>'
    "<script>b()</script></body>"
)


def test_a_page_names_its_own_scripts_by_their_hash_and_stands_under_its_policy():
    page = docs_site.guarded(PAGE)
    said = docs_site.policy(PAGE)
    assert page.index("Content-Security-Policy") < page.index("<script>")
    assert said.count("'sha256-") == 2
    assert "'unsafe-inline'" not in said.partition("script-src")[2].partition(";")[0]
    assert docs_site.policy(PAGE.replace("a()", "evil()")) != said
    assert "https:" not in said


def test_a_page_without_a_head_is_said():
    with pytest.raises(ValueError, match="alphabet"):
        docs_site.guarded("<p>")


def test_the_policy_forbids_nothing_that_the_pages_need(tmp_path):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs a browser: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    shutil.copytree(docs_site.ROOT / "docs", tmp_path / "docs")
    shutil.copy(docs_site.ROOT / "zensical.toml", tmp_path)
    assert docs_site.build(tmp_path) == 0
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for path in ("index.html", "architecture.html", "guides/run.html"):
            page.goto((tmp_path / "build" / "docs" / path).as_uri(), wait_until="load")
            page.wait_for_function("document.querySelector('.md-nav') !== null")
        injected = page.evaluate(
            "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; "
            "document.body.append(s); return window.ran === 1 }"
        )
        browser.close()
    assert not [error for error in errors[:-1] if "Content Security Policy" in error]
    assert not injected, "no script that the page did not bring runs"
    assert "script-src" in errors[-1]
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
