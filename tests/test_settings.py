"""Settings: declared ones, and those that only a source knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from warehouse.cli import doctor as health
from warehouse.fetching.addresses import base_address, setting_name
from warehouse.settings import FILE, Settings
from warehouse.sources import azure

NEWCOMER = replace(azure.SOURCES[0], name="newcomer", host="newcomer.invalid", host_setting="OVERBUILD_NEWCOMER_URL")


@pytest.fixture(autouse=True)
def _no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_new_source_names_its_own_base_address(monkeypatch, tmp_path):
    assert base_address(NEWCOMER, Settings()) is None
    (tmp_path / FILE).write_text('newcomer_url = "http://of-the-file"\n')
    assert base_address(NEWCOMER, Settings()) == "http://of-the-file"
    monkeypatch.setenv("OVERBUILD_NEWCOMER_URL", "http://of-the-variable")
    assert base_address(NEWCOMER, Settings()) == "http://of-the-variable"
    assert setting_name(NEWCOMER) == "OVERBUILD_NEWCOMER_URL"


def test_a_declared_setting_keeps_its_type_and_its_check(monkeypatch):
    monkeypatch.setenv("OVERBUILD_TIMEOUT_SECONDS", "7")
    assert Settings().timeout_seconds == 7.0
    monkeypatch.setenv("OVERBUILD_TIMEOUT_SECONDS", "soon")
    with pytest.raises(ValueError, match="timeout_seconds"):
        Settings()


def test_the_doctor_asks_the_base_address_that_is_set(live_server):
    settings = Settings(azure_prices_url=live_server.url)
    reached, told = health.reach(azure.SOURCES[0], settings)
    assert reached
    assert told.startswith(f"{live_server.url} answers")
    assert health.settings_speak_of(azure.SOURCES[0], settings)
    gone, told = health.reach(azure.SOURCES[0], Settings(azure_prices_url="http://127.0.0.1:9"))
    assert not gone
    assert told.endswith("check OVERBUILD_AZURE_PRICES_URL")
