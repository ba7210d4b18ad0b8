"""A clock that is moved, for a process that ends soon: what the project asks for the time is told another one."""

from __future__ import annotations

import sys
from datetime import datetime as real
from datetime import timedelta, tzinfo
from typing import Any


class _LikeReal(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, real)


def moved_to(moment: real) -> None:
    """From here on `datetime.now` in this project's modules starts at `moment`. Nothing puts it back."""
    shift: timedelta = moment - real.now(moment.tzinfo)

    class Moved(real, metaclass=_LikeReal):
        def __new__(cls, *arguments: Any, **named: Any) -> Any:
            return real(*arguments, **named)  # noqa: DTZ001  (whoever calls it gives the zone)

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return real.now(tz) + shift

    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("warehouse", "flows") and vars(module).get("datetime") is real:
            module.datetime = Moved  # type: ignore[attr-defined]
