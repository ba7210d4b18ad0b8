"""JSON as hosts send it: text that may begin with a byte-order mark, nest without end, or say one thing twice.

The standard reader takes the last of two members of one name, without a word, and ends the program where lists nest some
thousand deep. Each of these is the document's fault, and is said so. `NaN`, which JSON does not have, is read: it costs the
row that it stands in, and not the document.
"""

from __future__ import annotations

import json
import re
from typing import Any

from warehouse.errors import DocumentError
from warehouse.sources.common.parsing import text_of

VALUE_SHOWN = 60
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Two of these make one character beyond the first 65,536; one alone is no text, and nothing can be written of it."""


class _TwiceError(ValueError):
    """One object has two members of one name with different values."""


def read(body: bytes, name: str) -> Any:
    """What a JSON document says; `name` is the document's, for messages. Unpacks gzip, drops a byte-order mark.

    Raises DocumentError where it is no JSON, is cut short, nests too deep, or says two things under one name. A member
    that stands twice with the same value says nothing else and passes.
    """
    text = text_of(body, name)
    try:
        found = json.loads(text, object_pairs_hook=_object)
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except UnicodeEncodeError as error:
        raise DocumentError(name, "a text in it holds half a character (a lone surrogate). Get it again.") from error
    except RecursionError as error:
        raise DocumentError(name, "its lists and objects nest too deep to be data. The document is kept.") from error
    except _TwiceError as error:
        raise DocumentError(name, f"{error}; which of them counts cannot be known. The document is kept.") from error
    except ValueError as error:
        raise DocumentError(
            name, f"this is not JSON ({error}); it was cut short, or is a page. Get it again."
        ) from error


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        for key, value in members:
            if repr(value) != repr(found[key]):
                both = f"{_shown(value)} and {_shown(found[key])}"
                raise _TwiceError(f"{key[:VALUE_SHOWN]!r} stands twice in one object, as {both}")
    return found


def _shown(value: Any) -> str:
    return repr(value)[:VALUE_SHOWN]
