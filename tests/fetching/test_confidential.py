"""Whatever way a server spells a secret, it is blotted out of texts and found in bodies."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from warehouse.fetching.confidential import Confidential, masked
from warehouse.settings import Settings

KEY = "k3y/of+Tiingo=0123"
CONTACT = "Jane Canary jane.canary@example.com"
WEBHOOK = "https://hooks.example.com/T0/canary-webhook-0123"
SECRETS = Confidential(Settings(contact=CONTACT, webhook_url=WEBHOOK, tiingo_key=KEY))


def basic(secret: str, before: str = "", after: str = "") -> str:
    return base64.b64encode(f"{before}{secret}{after}".encode()).decode()


@pytest.mark.parametrize("secret", [KEY, CONTACT, WEBHOOK, "jane.canary@example.com"])
@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.upper,
        str.swapcase,
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(secret, safe="").replace("%2F", "%2f").replace("%3A", "%3a"),
        lambda secret: secret.encode().hex().upper(),
        basic,
        lambda secret: basic(secret, after=":"),
        lambda secret: basic(secret, before="u:"),
        lambda secret: basic(secret, before="me:", after="@host"),
        lambda secret: basic(secret, before="user:", after="x").replace("+", "-").replace("/", "_"),
    ],
)
def test_no_spelling_gets_through(secret, spell):
    said = f'W/"{spell(secret)}", denied'
    assert "***" in SECRETS.blotted(said)
    assert spell(secret) not in SECRETS.blotted(said)
    assert SECRETS.is_in(said.encode())


def test_data_that_hold_no_secret_pass():
    said = "Tiingo canary, jane at example.com, hooks, 0123456789abcdef" * 20
    assert SECRETS.blotted(said) == said
    assert not SECRETS.is_in(said.encode())


def test_every_setting_that_is_a_secret_is_one_wherever_it_stands():
    settings = Settings(
        openlineage="https://me:p%40ssw0rd-canary@lineage.example/api?token=canary-of-a-query",
        openlineage_key="canary-lineage-0123",
        registry_token="canary-token-0123",
        lake_password="canary-lake-0123",
    )
    said = (
        "401 for https://me:p%40ssw0rd-canary@lineage.example/api?token=canary-of-a-query: Bearer canary-lineage-0123, "
        f"{basic('me:p@ssw0rd-canary')}, canary-token-0123, canary-lake-0123, postgresql://you:abc@other.example/db"
    )
    told = masked(said, settings)
    assert "canary" not in told
    assert basic("me:p@ssw0rd-canary") not in told
    assert "abc@" not in told
    assert "lineage.example" in told


@pytest.mark.parametrize(
    ("address", "spellings"),
    [
        ("ducklake:postgres:dbname=x password=canary-lake-01 host=h", ["canary-lake-01"]),
        ("ducklake:postgres:password='it\\'s a canary' dbname=x", ["it's a canary", "it\\'s a canary"]),
        ("ducklake:postgresql://me:canary%2Flake@h/x", ["canary/lake", "canary%2Flake"]),
        ("ducklake:postgresql://h/x?user=me&password=canary-lake-02", ["canary-lake-02"]),
    ],
)
def test_the_password_of_a_shared_warehouse_is_a_secret_and_so_are_the_keys_of_its_storage(
    monkeypatch, address, spellings
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-storage-03")
    for spelling in (*spellings, "canary-storage-03"):
        assert spelling not in masked(f"no rights: {spelling}!", Settings(warehouse=address))
    assert masked("canary-storage-03", Settings()) == "canary-storage-03"  # of no lake, so nobody is sent it
