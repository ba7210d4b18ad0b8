"""Addresses as users set them, as they are sent, and as they are recorded.

A source names the public address of a document. A setting may send the request to another host, a test server or a
mirror, with the same path. What is recorded is always the public address, and never with a key in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

from warehouse.errors import UsageError
from warehouse.settings import Setting, Settings
from warehouse.sources.common.source import Source


def setting_name(source: Source) -> str:
    """Name of the setting with the base address of a source, as users write it."""
    return source.host_setting


def base_address(source: Source, settings: Settings) -> str | None:
    """The base address that the settings give for a source. Raises UsageError for one that is none."""
    base = base_given(source, settings)
    if base and (urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc):
        raise UsageError(f"{setting_name(source)}={base}: write it as https://host or http://host:port.")
    return base or None


def base_given(source: Source, settings: Settings) -> str:
    """The base address that the settings give for a source, as it stands there; '' where they give none."""
    return Setting(source.host_setting).of(settings) if source.host_setting else ""


def at_base(url: str, source: Source, settings: Settings) -> str:
    """`url` with the host of the base address in the settings, where one is set; path and query stay."""
    base = base_address(source, settings)
    if not base:
        return url
    given, wanted = urlsplit(url), urlsplit(base)
    return urlunsplit((wanted.scheme, wanted.netloc, wanted.path.rstrip("/") + given.path, given.query, ""))


def with_params(url: str, params: Mapping[str, str]) -> str:
    """`url` with `params` after its own query."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}" if params else url
