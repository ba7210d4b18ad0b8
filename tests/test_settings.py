"""Settings: declared ones, and those that only a source knows."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import replace
from pathlib import Path

import pytest

from warehouse import sources
from warehouse.cli import doctor as health
from warehouse.errors import UsageError
from warehouse.fetching.addresses import base_address, setting_name
from warehouse.settings import FILE, PREFIX, Setting, Settings, load_settings
from warehouse.sources import all_sources, azure

NEWCOMER = replace(azure.SOURCES[0], name="newcomer", host="newcomer.invalid", host_setting="OVERBUILD_NEWCOMER_URL")


@pytest.fixture(autouse=True)
def _no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_new_source_names_its_own_base_address(monkeypatch, tmp_path):
    assert not base_address(NEWCOMER, Settings())
    (tmp_path / FILE).write_text('newcomer_url = "http://of-the-file"\n')
    assert base_address(NEWCOMER, Settings()) == "http://of-the-file"
    monkeypatch.setenv("OVERBUILD_NEWCOMER_URL", "http://of-the-variable")
    assert base_address(NEWCOMER, Settings()) == "http://of-the-variable"
    assert setting_name(NEWCOMER) == "OVERBUILD_NEWCOMER_URL"


def test_what_a_source_declares_is_declared_nowhere_else():
    declared = {source.host_setting for source in all_sources() if source.host_setting}
    declared |= {
        value.name
        for info in pkgutil.iter_modules(sources.__path__)
        for value in vars(importlib.import_module(f"{sources.__name__}.{info.name}")).values()
        if isinstance(value, Setting)
    }
    assert {"OVERBUILD_SEC_URL", "OVERBUILD_TIINGO_KEY", "OVERBUILD_YAHOO_USER_AGENT"} <= declared
    assert not declared & {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in declared - {"OVERBUILD_YAHOO_USER_AGENT"}:
        assert re.fullmatch(r"OVERBUILD_[A-Z]+(_PRICES)?_(URL|KEY)", name)


def test_a_setting_of_a_source_is_read_from_variable_or_file(monkeypatch, tmp_path):
    key = Setting("OVERBUILD_NEWCOMER_KEY", default="none")
    assert key.of(Settings()) == "none"
    (tmp_path / FILE).write_text('newcomer_key = "of the file"\n')
    assert key.of(Settings()) == "of the file"
    monkeypatch.setenv("overbuild_newcomer_key", "of the variable")
    assert key.of(Settings()) == "of the variable"
    monkeypatch.delenv("overbuild_newcomer_key")
    (tmp_path / FILE).write_text("newcomer_key = 5\n")
    with pytest.raises(
        UsageError, match=r"OVERBUILD_NEWCOMER_KEY: 5 is not text; write it in quotes in overbuild\.toml"
    ):
        key.of(Settings())


def test_a_declared_setting_keeps_its_type_and_its_check(monkeypatch):
    monkeypatch.setenv("OVERBUILD_TIMEOUT_SECONDS", "7")
    assert Settings().timeout_seconds == 7.0
    monkeypatch.setenv("OVERBUILD_TIMEOUT_SECONDS", "soon")
    with pytest.raises(ValueError, match="timeout_seconds"):
        Settings()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_with_a_byte_order_mark_and_without(tmp_path, encoding):
    (tmp_path / FILE).write_bytes('contact = "Zoë Doe zoe@example.com"\nhome = "here"\n'.encode(encoding))
    settings = load_settings()
    assert (settings.contact, settings.home) == ("Zoë Doe zoe@example.com", Path("here"))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / FILE).write_bytes(b"contact = \xff\n")
    with pytest.raises(UsageError, match=r"^overbuild\.toml: "):
        load_settings()
    (tmp_path / FILE).write_text("contact = Jane\n")
    with pytest.raises(UsageError, match=r"^overbuild\.toml: Invalid value \(at line 1"):
        load_settings()


@pytest.mark.parametrize(
    "contact", ["Łucja l@example.com", "李 li@example.com", "Jane\r\nX-Evil: 1", "Jane \u200b Doe"]
)
def test_a_contact_that_no_header_can_carry_is_refused_by_its_name(monkeypatch, contact):
    monkeypatch.setenv("OVERBUILD_CONTACT", contact)
    with pytest.raises(UsageError, match=r"^settings: OVERBUILD_CONTACT: .* is not a letter of Latin-1"):
        load_settings()
    monkeypatch.setenv("OVERBUILD_CONTACT", " Zoë O’Neil ".replace("’", "'"))
    assert load_settings().contact == "Zoë O'Neil"


def test_so_is_a_key_and_not_an_address(monkeypatch):
    monkeypatch.setenv("OVERBUILD_NEWCOMER_KEY", "abc→")
    with pytest.raises(UsageError, match=r"OVERBUILD_NEWCOMER_KEY: → is not a letter of Latin-1"):
        Setting("OVERBUILD_NEWCOMER_KEY").of(Settings())
    monkeypatch.setenv("OVERBUILD_NEWCOMER_URL", "http://例え.example")
    assert base_address(NEWCOMER, Settings()) == "http://例え.example"


def test_the_doctor_asks_the_base_address_that_is_set(live_server):
    settings = Settings(azure_prices_url=live_server.url)
    reached, said = health.reach(azure.SOURCES[0], settings)
    assert reached
    assert said.startswith(f"{live_server.url} answers")
    assert health.is_configured(azure.SOURCES[0], settings)
    gone, said = health.reach(azure.SOURCES[0], Settings(azure_prices_url="http://127.0.0.1:9"))
    assert not gone
    assert said.endswith("check OVERBUILD_AZURE_PRICES_URL")
