"""Errors with names and fields; the sentences are in texts/, the rim renders them.

BridgeError                 exit 1
├── InputError              a file, picture, label, cfg or message that cannot be used
├── NotFoundError           something named by a person or program that is not there
├── RefusedError            exit 3: a person must decide, or the input cannot be trusted
├── ConflictError           it clashes with what is there already
│   └── StaleLeaseError     somebody else holds the job now
├── AccessError             no token, a wrong one, or one without the right
├── MissingPartError        a program, server or package that is needed is not there (or its port is taken)
├── UnreachableError        a server does not answer, or not in time
└── UsageError              exit 2: wrong words on the command line
"""

from __future__ import annotations

import errno
from typing import Any


class BridgeError(Exception):
    """Something a person can understand and act on; rule is a key of texts/*/errors.toml, fields fill its sentence."""

    exit_code = 1

    def __init__(self, rule: str, **fields: Any) -> None:
        super().__init__(rule, fields)
        self.rule = rule
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.rule}: " + ", ".join(f"{k}={v!r}" for k, v in self.fields.items())


class InputError(BridgeError):
    """What was given cannot be used; nothing of it was taken, or only what was sound."""


class NotFoundError(BridgeError):
    """What was asked for does not exist."""


class RefusedError(BridgeError):
    """A person must decide first; nothing was changed."""

    exit_code = 3


class ConflictError(BridgeError):
    """What was asked clashes with the present state."""


class StaleLeaseError(ConflictError):
    """The lease number is old: another worker holds the job, so stop at once."""


class AccessError(BridgeError):
    """The caller may not do this."""


class MissingPartError(BridgeError):
    """A part that this needs is missing on this machine."""


class UnreachableError(BridgeError):
    """A server does not answer."""


class UsageError(BridgeError):
    """The command was called wrongly."""

    exit_code = 2


def write_rule(error: OSError) -> str:
    """Why a file could not be written: disk-full or folder-unwritable."""
    full = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows knows no quotas.
    return "disk-full" if error.errno in full else "folder-unwritable"
