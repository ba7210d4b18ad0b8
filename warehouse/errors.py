"""Errors that a user can act on, and the exit code that each one means.

Every message says what is wrong, where (file, row, field, option) and what to do next. The command line prints the
message and leaves with the code. Anything that is not one of these is a defect of ours and exits with 1.
"""


class OverbuildError(Exception):
    """Something a user can act on; `exit_code` is what the command line leaves with."""

    exit_code = 1


class UsageError(OverbuildError):
    """A wrong option, setting, assumptions file or query."""

    exit_code = 2


class RefusedError(OverbuildError):
    """The checks refused the data: nothing new was published."""

    exit_code = 3


class StorageError(OverbuildError):
    """A disk does not take or give what it should: full, failing, read-only, or closed to this user; or memory ran out."""

    exit_code = 5


class DamagedError(StorageError):
    """A file is missing, or no longer what it was when it was published or archived."""


class DocumentError(RefusedError):
    """A document cannot be read as what it claims to be: its name, what is wrong with it, and the line where it is."""

    def __init__(self, document: object, what: str, line: int | None = None) -> None:
        super().__init__(document, what, line)
        self.what = what if line is None else f"line {line}: {what}"
        self._message = f"{document}{'' if line is None else f', line {line}'}: {what}"

    def __str__(self) -> str:
        return self._message


class StoppedError(OverbuildError):
    """A live source must stop asking: it refused this client or asked it to wait; the message says until when."""
