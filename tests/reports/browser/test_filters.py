"""The controls that narrow the list of claims: there with JavaScript alone, and the list is whole without it."""

from __future__ import annotations

from tests.reports.browser.test_pages import opened


def test_claims_are_narrowed_by_finding_subject_and_words(browser, site):
    with opened(browser, site / "claims.html", 1280, "light") as page:
        every = page.locator("[data-item]:visible").count()
        assert every == page.locator("[data-item]").count() > 0
        page.select_option("[data-filter=finding]", "wrong")
        wrong = page.locator("[data-item]:visible")
        assert 0 < wrong.count() < every
        assert set(wrong.evaluate_all("all => all.map(e => e.dataset.finding)")) == {"wrong"}
        assert page.inner_text("[data-count]") == str(wrong.count())
        page.fill("[data-filter=words]", "no claim has these words")
        assert page.locator("[data-item]:visible").count() == 0
        assert page.locator("[data-group]:visible").count() == 0


def test_without_javascript_the_list_is_whole_and_has_no_controls(browser, site):
    with opened(browser, site / "claims.html", 1280, "light", java_script_enabled=False) as page:
        assert page.locator("[data-item]:visible").count() == page.locator("[data-item]").count() > 0
        assert page.locator(".filters:visible").count() == 0
