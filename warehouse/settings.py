"""Settings: environment variables named OVERBUILD_..., or `overbuild.toml` in the current folder; the variable wins.

A variable OVERBUILD_..._FILE names a file that holds the value, for secrets.

What one source alone needs (its base address, a key) that source declares, as a `Setting` or as its `host_setting`.
Here stands what no source declares.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from warehouse import files
from warehouse.errors import UsageError

FILE = "overbuild.toml"
PREFIX = "OVERBUILD_"
FILE_SUFFIX = "_FILE"


def _of_file() -> dict[str, Any]:
    """What the file in the current folder says; nothing where there is none."""
    path = Path(FILE)
    return tomllib.loads(files.text(path)) if path.is_file() else {}


def not_in_a_header(text: str) -> str:
    """Which characters of a text no header of HTTP can carry, in words; '' where it can carry all."""
    bad = [each for each in dict.fromkeys(text) if ord(each) > 0xFF or not (each.isprintable() or each == "\xa0")]
    shown = " ".join(each if each.isprintable() else ascii(each) for each in bad)
    return f"{shown} is not a letter of Latin-1" if bad else ""


class _OfSources(PydanticBaseSettingsSource):
    """Every other variable that begins so: sources declare their own settings, and these are not known here."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        given = {name.upper().removeprefix(PREFIX).lower(): value for name, value in os.environ.items()
                 if name.upper().startswith(PREFIX) and not _names_a_file(name)}  # fmt: skip
        return {name: value for name, value in given.items() if name not in self.settings_cls.model_fields}


class _OfFiles(PydanticBaseSettingsSource):
    """OVERBUILD_..._FILE names a file that holds the setting: so orchestrators hand secrets over, which no list then shows."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        variables = {name.upper() for name in os.environ}
        found = {}
        for name, value in os.environ.items():
            if _names_a_file(name):
                of = name.upper().removesuffix(FILE_SUFFIX)
                if of in variables:
                    raise UsageError(f"{of} and {name} are both set; keep one of them.")
                found[of.removeprefix(PREFIX).lower()] = _secret(name, value)
        return found


def _names_a_file(name: str) -> bool:
    return name.upper().startswith(PREFIX) and name.upper().endswith(FILE_SUFFIX)


def _secret(name: str, path: str) -> str:
    """The content of a file, without the end of its line. Raises UsageError that shows nothing of it."""
    way_out = f"Put the value there, or unset {name}."
    try:
        value = files.text(Path(path)).strip()
    except OSError as error:
        raise UsageError(f"{name}={path}: this file cannot be read ({error.strerror}). {way_out}") from error
    except UnicodeError:
        raise UsageError(f"{name}={path}: this file is no text. {way_out}") from None
    if not value:
        raise UsageError(f"{name}={path}: this file is empty. {way_out}")
    return value


class Settings(BaseSettings):
    """What can be set, whatever the sources. Field `home` is OVERBUILD_HOME, and so on; sources' settings ride along."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="allow", frozen=True)

    home: Path = Path("data")
    warehouse: str | None = None
    warehouse_data: str | None = None
    """Where a new lake keeps its data: a folder that all its machines see, or an address as s3://bucket/prefix."""
    assumptions: Path | None = None
    reference: Path | None = None
    contact: str | None = None
    network: Literal["on", "off"] = "on"
    timeout_seconds: float = Field(default=20.0, gt=0, le=600)
    lock_wait_seconds: float = Field(default=3600.0, ge=0)
    """How long a run waits for another one in the same home to end."""
    tickers: Annotated[tuple[str, ...], NoDecode] = ()
    licensed_sources: Annotated[tuple[str, ...], NoDecode] = ()
    sql_page: bool = False
    webhook_url: SecretStr | None = None
    """Where people are notified (Slack or what takes the same JSON). The address itself is a secret."""
    promises: Path | None = None
    """A file that puts a team's own owners and limits in place of the declared promises of freshness."""
    health_address: str | None = None
    """Host and port at which `overbuild serve` answers probes and Prometheus; it answers none without."""
    runner: str | None = None
    """Who does pieces of the work: dask://HOST:PORT of a Dask scheduler; this machine alone without."""
    openlineage: str | None = None
    """A file, or the address of a server, that is told of runs as OpenLineage events; nothing is told without."""
    openlineage_key: SecretStr | None = None
    """The key of that server, where it asks for one."""

    def __repr__(self) -> str:
        """Which settings are given, and no value: keys are among them, and this text ends up in logs."""
        return f"Settings({', '.join(sorted(self.model_fields_set))})"

    __str__ = __repr__

    @field_validator("licensed_sources", "tickers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator(
        *("warehouse", "warehouse_data", "assumptions", "reference", "contact", "webhook_url"),
        *("promises", "health_address", "runner", "openlineage", "openlineage_key"),
        mode="before",
    )
    @classmethod
    def _blank_is_none(cls, value: object) -> object:
        return (value.strip() or None) if isinstance(value, str) else value

    @field_validator("contact")
    @classmethod
    def _fits_a_header(cls, value: str | None) -> str | None:
        if value and (bad := not_in_a_header(value)):
            raise ValueError(f"{bad}, and no other can stand in the header of a request; write it another way")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("not a web address; it begins with https:// (its value is not shown, as it is a secret)")
        return value

    @field_validator("health_address")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        host, _, port = (value or "").rpartition(":")
        if value is not None and not (host and port.isdecimal() and 0 <= int(port) < 1 << 16):
            raise ValueError("give a host and a port, as in 127.0.0.1:8090")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        of_file = InitSettingsSource(settings_cls, _of_file())
        return init_settings, env_settings, _OfSources(settings_cls), _OfFiles(settings_cls), of_file


@dataclass(frozen=True)
class Setting:
    """A setting that a source declares: its name as users write it (OVERBUILD_TIINGO_KEY), and what holds without it."""

    name: str
    default: str = ""

    def of(self, settings: Settings) -> str:
        """Its value. Raises UsageError for one that is no text, which only a TOML file can hold."""
        value = getattr(settings, self.name.removeprefix(PREFIX).lower(), None)
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{self.name}: {value!r} is not text; write it in quotes in {FILE}.")
        if value and not self.name.endswith("_URL") and (bad := not_in_a_header(value)):
            raise UsageError(f"{self.name}: {bad}, and no other can stand in the header of a request.")
        return self.default if value is None else value


def load_settings() -> Settings:
    """The settings as they are now. Raises UsageError that names the setting and what it needs."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"OVERBUILD_{'_'.join(map(str, e['loc'])).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise UsageError(f"settings: {problems}") from error
    except (ValueError, RecursionError) as error:  # a TOML file that is not TOML, or nests without end
        raise UsageError(f"{FILE}: {error}") from error
    except OSError as error:
        raise UsageError(f"{FILE}: this file cannot be read ({error.strerror}).") from error
