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
from warehouse.paths import paths_here
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
    for name in declared - {"OVERBUILD_YAHOO_USER_AGENT", "OVERBUILD_FILERS"}:
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


def test_a_secret_may_stand_in_a_file_that_a_variable_names(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("of the file\n")
    (tmp_path / "hook").write_text("https://hooks.example/secret\n")
    monkeypatch.setenv("OVERBUILD_NEWCOMER_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("OVERBUILD_WEBHOOK_URL_FILE", str(tmp_path / "hook"))
    settings = load_settings()
    assert Setting("OVERBUILD_NEWCOMER_KEY").of(settings) == "of the file"
    assert settings.webhook_url.get_secret_value() == "https://hooks.example/secret"
    assert "secret" not in repr(settings)
    assert not [name for name in settings.model_extra if name.endswith("_file")]
    monkeypatch.setenv("OVERBUILD_NEWCOMER_KEY", "of the variable")
    with pytest.raises(UsageError, match=r"OVERBUILD_NEWCOMER_KEY and OVERBUILD_NEWCOMER_KEY_FILE are both set"):
        load_settings()


@pytest.mark.parametrize(("body", "said"), [(None, "No such file"), (b"", "is empty"), (b"a\xff", "is no text")])
def test_a_secret_that_is_missing_is_named_with_what_to_do_and_not_shown(monkeypatch, tmp_path, body, said):
    if body is not None:
        (tmp_path / "key").write_bytes(body)
    monkeypatch.setenv("OVERBUILD_NEWCOMER_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(
        UsageError, match=rf"^OVERBUILD_NEWCOMER_KEY_FILE=.*key: .*{said}.* Put the value there, or unset"
    ):
        load_settings()


def test_a_home_that_stands_in_a_file_is_found_by_queries_too(monkeypatch, tmp_path):
    (tmp_path / "home").write_text(str(tmp_path / "there"))
    monkeypatch.delenv("OVERBUILD_HOME", raising=False)
    monkeypatch.setenv("OVERBUILD_HOME_FILE", str(tmp_path / "home"))
    assert paths_here().root == tmp_path / "there" == load_settings().home
