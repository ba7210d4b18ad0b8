"""What the environment says of proxies: what is on this machine is spared, whatever the spelling."""

from __future__ import annotations

import os
import urllib.request

import pytest

from warehouse.fetching import transport


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in (*transport.PROXIES, "NO_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.setenv(spelling, "")  # so that what the test leaves behind is undone
            monkeypatch.delenv(spelling)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("spared", [{}, {"NO_PROXY": "corp.example"}, {"no_proxy": "corp.example"}])
def test_this_machine_is_never_behind_a_proxy(monkeypatch, name, spared):
    for variable, value in {name: "http://127.0.0.1:9", **spared}.items():
        monkeypatch.setenv(variable, value)
    transport.spare_loopback()
    for host in ("127.0.0.1", "localhost", *(["corp.example"] if spared else [])):
        assert urllib.request.proxy_bypass(host)
    assert not urllib.request.proxy_bypass("sec.example")
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"]


def test_without_a_proxy_nothing_is_set_and_what_spares_all_stays(monkeypatch):
    transport.spare_loopback()
    assert "NO_PROXY" not in os.environ
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "*")
    transport.spare_loopback()
    assert os.environ["no_proxy"] == "*"


@pytest.mark.parametrize("address", ["proxy:3128", "http://proxy:3128", "socks5h://127.0.0.1:1080", "http://a:b@proxy"])
def test_addresses_of_proxies_that_libraries_take_are_taken(monkeypatch, address):
    monkeypatch.setenv("ALL_PROXY", address)
    transport.require_usable(asks_sources=True)
