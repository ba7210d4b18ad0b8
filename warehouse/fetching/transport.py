"""What the environment says about the way to any host: proxies and TLS certificates.

Libraries read these variables by themselves, each in its own way, and fail in the middle of a run with an error that
names none of them. So they are read here first, before anything is imported or asked. A server on this machine is
never behind a proxy.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from warehouse.errors import UsageError

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
BUNDLES_OF_ALL = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Read by Prefect's client, even where it speaks to this machine without TLS."""
BUNDLES_OF_SOURCES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def spare_loopback() -> None:
    """Keep what is on this machine out of every proxy that the environment names, for this process and its children."""
    if not any(True for _ in _proxies()):
        return
    # Some libraries read the one spelling, some the other, and the first that they find.
    given = ",".join(filter(None, (os.environ.get("no_proxy"), os.environ.get("NO_PROXY"))))
    names = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if "*" not in names:
        names += [name for name in LOOPBACK if name not in names]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(names)


def require_usable(*, asks_sources: bool) -> None:
    """Raises UsageError that names the variable of a proxy or of certificates that cannot be used.

    `asks_sources`: whether live sources are asked, too; a run of the packaged snapshot reads fewer of the variables.
    """
    for name, address in _proxies():
        _require_proxy(name, address)
    for name in (*BUNDLES_OF_ALL, *(BUNDLES_OF_SOURCES if asks_sources else ())):
        if place := os.environ.get(name):
            _require_certificates(name, Path(place))


def proxy_variables() -> Sequence[str]:
    """Names of the variables that send requests through a proxy."""
    return [name for name, _ in _proxies()]


def _proxies() -> Iterator[tuple[str, str]]:
    for name in PROXIES:
        for spelling in (name, name.lower()):
            if address := os.environ.get(spelling, "").strip():
                yield spelling, address


def _require_proxy(name: str, address: str) -> None:
    given = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(given)
        good = parts.scheme.lower() in PROXY_SCHEMES and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise UsageError(
            f"{name}={without_password(address)}: this is no address of a proxy. Write it as http://host:port "
            f"(or {', '.join(PROXY_SCHEMES[1:])}), or unset it."
        )


def _require_certificates(name: str, place: Path) -> None:
    """Certificates as OpenSSL would load them: a file of them, or a folder."""
    try:
        if place.is_dir():
            next(place.iterdir(), None)
            if name != "SSL_CERT_FILE":
                return
        ssl.create_default_context(cafile=str(place))
    except ssl.SSLError:
        why = "there is no certificate in it"
    except OSError as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    else:
        return
    raise UsageError(
        f"{name}={place}: no TLS certificates can be read there ({why}). Correct the path, or unset {name} to trust "
        "the usual authorities."
    )


def without_password(url: str) -> str:
    """`url` without a name and password in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    if "@" not in parts.netloc:
        return "***" if "@" in url else url
    return urlunsplit(parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]))
