"""What must never be kept: keys, the webhook's address, and the contact. All that a server said passes through here.

A server hears our keys and the contact with each request. A friendly one repeats them: in a reason phrase, a header, an
address that it redirects to, or a page that says what was wrong. What it said is logged, archived and published. So
those texts are blotted out before they are kept, in each spelling that a server may use. A body cannot be blotted out,
because it is kept under its hash; one that repeats a secret is not kept.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable
from functools import cached_property
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from pydantic import SecretStr

from warehouse.paths import LAKE
from warehouse.settings import Settings
from warehouse.storage import SECRETS_OF_LAKES

BLOT = "***"
SHORTEST_IN_BODY = 8
"""A shorter secret may stand in any data by chance; a body is not refused for it."""
LONGEST_IN_BODY_BYTES = 1024
"""So much of a body is looked at again with its next piece: a secret may lie across the cut."""
KEY_SUFFIXES = ("_key", "_token", "_password")
"""Every setting whose name ends so is a secret: OVERBUILD_TIINGO_KEY and its like."""
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


class Confidential:
    """The secrets of one request: those sent with it (`sent`) and those of the settings."""

    def __init__(self, settings: Settings, sent: Iterable[str] = ()) -> None:
        given = {*sent, *_of_settings(settings)}
        self._secrets = tuple(sorted(secret.strip() for secret in given if secret.strip()))

    @cached_property
    def _spellings(self) -> tuple[str, ...]:
        """Each secret in each spelling, the longest first, so that no part of one is left."""
        found = {spelling for secret in self._secrets for spelling in _spellings(secret)}
        return tuple(sorted(found, key=lambda spelling: (-len(spelling), spelling)))

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return re.compile("|".join(map(re.escape, self._spellings)), re.IGNORECASE) if self._spellings else None

    @cached_property
    def _in_bodies(self) -> frozenset[bytes]:
        """The spellings that no body may hold, in lower case."""
        return frozenset(each.encode().lower() for each in self._spellings if len(each) >= SHORTEST_IN_BODY)

    def blotted(self, text: str) -> str:
        """`text` with every secret blotted out."""
        return self._pattern.sub(BLOT, text) if self._pattern else text

    def is_in(self, body: bytes) -> bool:
        """Whether a piece of a body repeats a secret that is long enough not to stand there by chance."""
        lower = body.lower()  # one by one in lower case is thirty times as fast as a pattern that takes either case
        return any(each in lower for each in self._in_bodies)


def masked(text: str, settings: Settings) -> str:
    """What is told of an error, to people or to another server: without secrets, nor the password of any address."""
    return _PASSWORD.sub(f"{BLOT}@", Confidential(settings).blotted(text))


def _of_settings(settings: Settings) -> list[str]:
    """The secrets among the settings, sources' own included; of the contact and of addresses also their parts."""
    given = {name: value for name, value in {**dict(settings), **(settings.model_extra or {})}.items() if value}
    hidden = [value.get_secret_value() for value in given.values() if isinstance(value, SecretStr)]
    keys = [
        str(value) for name, value in given.items() if name.endswith(KEY_SUFFIXES) and not isinstance(value, SecretStr)
    ]
    contact = settings.contact or ""
    parts = [part for value in given.values() if isinstance(value, str) for part in _of_address(value)]
    return [
        *hidden,
        *keys,
        *parts,
        *_of_lake(settings.warehouse or ""),
        contact,
        *(word for word in contact.split() if "@" in word),
    ]


def _of_lake(address: str) -> list[str]:
    """What is secret of a lake: the password in its address, as it is written and as it is meant, and keys of its storage."""
    if not address.startswith(LAKE):
        return []
    rest = address.removeprefix(LAKE)
    written = [found[1].removeprefix("'").removesuffix("'") for found in _PASSWORD_OF_LAKE.finditer(rest)]
    meant = [re.sub(r"\\(.)", r"\1", each) for each in written]
    return [*written, *meant, *_of_address(rest), *filter(None, map(os.environ.get, SECRETS_OF_LAKES))]


_PASSWORD_OF_LAKE = re.compile(r"\bpassword\s*=\s*('(?:\\.|[^'\\])*'|(?:\\.|[^\s'&])+)", re.DOTALL)


def _of_address(value: str) -> list[str]:
    """What is secret of an address: its name with its password, the password, and what stands in its query."""
    if "://" not in value:
        return []
    try:
        parts = urlsplit(value)
    except ValueError:
        return []
    user, _, _ = parts.netloc.rpartition("@")
    found = [user, unquote(user), user.partition(":")[2], unquote(user.partition(":")[2]), parts.query]
    found += [answer for _, answer in parse_qsl(parts.query)]
    return [each for each in found if len(each) >= SHORTEST_IN_BODY]


def _spellings(secret: str) -> set[str]:
    """A secret as it is, and as addresses, JSON, pages and headers of basic authentication write it."""
    body = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        body.hex(),
        *_in_base64(body),
    }


def _in_base64(body: bytes) -> set[str]:
    """A secret in base64, also where it stands behind or before other bytes: what such a text certainly holds of it.

    Three bytes give four characters, so what stands before a secret shifts it in one of three ways (`name:key`). The
    characters at its ends may hold bits of its neighbours and are left out. What is then too short is left out, too.
    """
    found = {base64.b64encode(body).decode().rstrip("=")}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + body).decode()
        inner = whole[-(-before * 8 // 6) : (before + len(body)) * 8 // 6]
        if len(inner) >= SHORTEST_IN_BODY:
            found.add(inner)
    return found | {each.translate(_OF_ADDRESSES) for each in found}


_OF_ADDRESSES = str.maketrans("+/", "-_")
