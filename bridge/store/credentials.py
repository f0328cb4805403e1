"""Credentials of connected tools, encrypted where they lie.

The key comes from the installation's secret. LABELBRIDGE_SECRET_KEY may hold several, with commas between: the first
seals, all of them open, so that a key can be changed without connecting every tool again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from bridge.errors import MissingPartError
from bridge.settings import Settings
from bridge.store.secret import secret

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_PURPOSE = b"credentials"


def seal(settings: Settings, values: Mapping[str, str]) -> bytes:
    """Named secrets as bytes that tell nothing."""
    return _fernet(settings).encrypt(msgspec.json.encode(dict(values)))


def unseal(settings: Settings, sealed: bytes | None) -> dict[str, str]:
    """The secrets again (none of nothing); raises MissingPartError credentials-locked when the key is another one."""
    from cryptography.fernet import InvalidToken

    if not sealed:
        return {}
    try:
        return msgspec.json.decode(_fernet(settings).decrypt(sealed), type=dict[str, str])
    except InvalidToken:
        raise MissingPartError("credentials-locked") from None


def _fernet(settings: Settings) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    words = [word.strip() for word in secret(settings).split(b",") if word.strip()]
    return MultiFernet([Fernet(_key(word)) for word in words])


def _key(word: bytes) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(word, _PURPOSE, hashlib.sha256))
