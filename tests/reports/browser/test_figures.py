"""Pages of figures in a real browser: they compute their figures again, and sound an alarm where one does not agree."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.repeats import once
from tests.reports.browser.accessible import violations
from warehouse.database import releases
from warehouse.paths import WAREHOUSE
from warehouse.reports.site import figure_pages, write

ASSETS = Path(write.__file__).parent / "assets"
INPUTS = re.compile(r'(<script type="application/json" id="inputs-of-figures">)(.*?)(</script>)')
MARKET = {"benchmark": "SPY", "model": "market_model", "return_kind": "simple", "event_date": date(2025, 1, 27)}
PAY = {"scope": "ALL", "revenue_view": "end_customer", "bound": "point"}
SHARE_P50 = "redundant_capex_share_p50"
SHARE = {"scope": "ALL", "revenue_view": "none", "bound": "point"}
ROWS = {
    "training_cost": [{"run_id": "deepseek-v3-total"}],
    "event_study": [
        {**MARKET, "ticker": "NVDA", "window_start": 0, "window_end": 1},
        {**MARKET, "ticker": "portfolio:supplier", "window_start": 0, "window_end": 0},
    ],
    "capex_quarterly": [{"ticker": "META", "period_end": date(2025, 9, 30)}],
    "waste_sensitivity": [
        *({**PAY, "quantity": quantity, "driver": "life"} for quantity in ("coverage", "breakeven_growth")),
        *({**SHARE, "quantity": "redundant_capex_share", "driver": driver} for driver in ("elasticity", "fleet")),
    ],
    "waste_simulation": [
        *({**PAY, "quantity": quantity} for quantity in ("coverage", "breakeven_growth")),
        *({**SHARE, "quantity": quantity} for quantity in ("redundant_capex_share", "training_share_with_experiments")),
    ],
    "redundant_by_elasticity": [
        {"reading": reading, "elasticity": elasticity}
        for reading, elasticity in (("mixture", 0.0), ("inference", 1.0), ("lab_split", 0.5))
    ],
    "training_share_readings": [{"reading": reading} for reading in ("mixture", "bottom_up", "lab_split")],
}


@pytest.fixture(scope="module")
def pages(chromium, published_paths, tmp_path_factory) -> dict[str, list[Path]]:
    """The files of some rows' pages, by table."""
    folder = tmp_path_factory.mktemp("figures")
    shutil.copytree(ASSETS, folder / "assets")
    with releases.reading(published_paths.current / WAREHOUSE) as connection:
        run = "select run_id from marts.training_cost where model = 'DeepSeek-V3' and cost_mid_usd is not null and not is_component"
        [(run_id,), *_] = connection.execute(f"{run} order by run_id").fetchall()
        figure_pages.write(folder, connection, ROWS | {"training_cost": [{"run_id": run_id}]})
    return {table: sorted((folder / "figures" / table).glob("*.html")) for table in ROWS}


@pytest.fixture
def page(browser) -> Iterator:
    opened = browser.new_page(viewport={"width": 390, "height": 800})
    opened.problems = []
    opened.on("console", lambda message: opened.problems.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    yield opened
    opened.close()


def spoil(inputs: dict) -> None:
    """Inputs that give another figure: no first quarter of spending and few chips, or training that no demand follows."""
    if "vintages" in inputs:
        inputs["vintages"]["capex_usd"][0] = 0.0
        inputs["vintages"]["owned_h100"] = 1e6
        return
    inputs["training"]["trains"] = 0.99
    inputs.setdefault("values", {})["elasticity"] = 0.0
    for driver in inputs.get("drivers", []):
        if driver["name"] == "elasticity":
            driver |= {"parts": [["point", [0.0]]], "minimum": 0.0}


def columns_computed_again(path: Path) -> set[str]:
    found = INPUTS.search(path.read_text(encoding="utf-8"))
    return set(json.loads(found[2])) if found else set()


def test_every_figure_that_is_computed_again_agrees(pages, page) -> None:
    computed: set[str] = set()
    for table, files in pages.items():
        assert len(files) == len(ROWS[table])
        for path in files:
            page.goto(path.as_uri())
            assert page.locator(".alarm").all_text_contents() == []
            assert page.locator(".agrees").count() == len(columns_computed_again(path)) > 0
            computed |= {f"{table}.{column}" for column in columns_computed_again(path)}
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.problems == []
    assert {
        "training_cost.cost_mid_usd",
        "event_study.abnormal_return",
        "event_study.t_stat",
        "capex_quarterly.capex_to_revenue",
        "waste_sensitivity.quantity_at_central",
        "waste_simulation.p50",
        "redundant_by_elasticity.redundant_capex_share_p50",
        "training_share_readings.redundant_capex_share_p50",
    } <= computed


@pytest.mark.parametrize(
    "scheme", once(["light", "dark"], "tests/reports/browser/test_figures.py::test_axe_finds_nothing")
)
def test_axe_finds_nothing(pages, page, scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    for files in pages.values():
        page.goto(files[0].as_uri())
        assert violations(page) == []


@pytest.mark.parametrize(
    ("table", "column", "break_it"),
    [
        ("training_cost", "cost_mid_usd", lambda held: held["cost_mid_usd"].update(gpu_hours=1.0)),
        (
            "training_cost",
            "price_low_usd_per_gpu_hour",
            lambda held: held["price_low_usd_per_gpu_hour"]["offers"].append(0.01),
        ),
        ("event_study", "abnormal_return", lambda held: held["abnormal_return"]["benchmark"].__setitem__(-1, 1.0)),
        ("waste_sensitivity", "quantity_at_central", lambda held: spoil(held["quantity_at_central"])),
        ("waste_simulation", "p50", lambda held: spoil(held["p50"])),
        ("redundant_by_elasticity", SHARE_P50, lambda held: spoil(held[SHARE_P50])),
        ("training_share_readings", SHARE_P50, lambda held: spoil(held[SHARE_P50])),
    ],
)
def test_a_figure_that_its_inputs_do_not_give_is_an_alarm_in_its_place(
    pages, page, tmp_path, table, column, break_it
) -> None:
    for path in pages[table]:
        html = path.read_text(encoding="utf-8")
        held = json.loads(INPUTS.search(html)[2])
        break_it(held)
        broken = tmp_path / "figures" / table / path.name
        broken.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ASSETS, tmp_path / "assets", dirs_exist_ok=True)
        broken.write_text(INPUTS.sub(lambda m, held=held: f"{m[1]}{json.dumps(held)}{m[3]}", html), encoding="utf-8")
        page.goto(broken.as_uri())
        assert "Does not agree with its inputs" in page.locator(f"#{column} .alarm").text_content()
        assert page.locator(f"#{column} data").count() == 0


def test_a_changed_figure_is_an_alarm(pages, page, tmp_path) -> None:
    [path] = pages["capex_quarterly"]
    html = path.read_text(encoding="utf-8")
    shutil.copytree(ASSETS, tmp_path / "assets")
    broken = tmp_path / "figures" / "capex_quarterly" / path.name
    broken.parent.mkdir(parents=True)
    broken.write_text(re.sub(r'(id="capex_to_revenue".*?<data value=")[^"]*', r"\g<1>0.5", html), encoding="utf-8")
    page.goto(broken.as_uri())
    assert page.locator("#capex_to_revenue .alarm").count() == 1


def test_without_javascript_the_page_says_it_all_but_that(pages, browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    [path] = pages["training_cost"]
    page.goto(path.as_uri())
    assert "million" in page.locator("#cost_mid_usd data").text_content()
    assert page.locator(".agrees, .alarm").count() == 0
    assert "overbuild trace" in page.locator("pre").text_content()
    context.close()
