"""Connections that VoTT keeps encrypted, read with the key that a person gives; never needed to read labels.

VoTT's cipher: AES-CBC with PKCS7 and the first 16 of its 24 bytes of IV, over the JSON of the provider's options. The
result is {"ciphertext", "iv"} in hexadecimal digits, as JSON in base64. There is no checksum: a wrong key shows only
in what comes out.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.document import read_json
from bridge.errors import BridgeError
from bridge.model.finding import Finding, Severity
from plugins.formats.vott2.asset import Record

CONNECTIONS = ("sourceConnection", "targetConnection")
_KEY_SIZES, _BLOCK = (16, 24, 32), 16


@dataclass(frozen=True, slots=True)
class Unsealed:
    """The options of connections by their place in the project, as far as a key opened them; never written anywhere."""

    options: dict[str, Record] = field(default_factory=dict, repr=False)
    findings: tuple[Finding, ...] = ()


def unseal(content: Record, token: str) -> Unsealed:
    """Open a project's encrypted connections with a token: its key as VoTT shows it, or a file {"name", "key"}.

    What does not open stays closed and is told; neither key nor options ever stand in a finding.
    """
    sealed = {place: found for place in CONNECTIONS if (found := _sealed(content.get(place)))}
    if not sealed or not token:
        return Unsealed()
    wanted = content.get("securityToken")
    keys = _keys(token, wanted)
    fields = {"token": wanted if isinstance(wanted, str) else ""}
    if not keys:
        return Unsealed(findings=(_finding(fields | {"case": "unusable"}),))
    try:
        opened = {place: options for place, text in sealed.items() if (options := _opened(text, keys))}
    except ImportError:
        return Unsealed(findings=(_finding(fields | {"case": "package"}),))
    closed = [place.removesuffix("Connection") for place in sealed if place not in opened]
    wrong = (_finding(fields | {"connections": ", ".join(closed)}),) if closed else ()
    return Unsealed(opened, wrong)


def decrypt(text: str, key: bytes) -> Any:
    """What VoTT encrypted; raises ValueError where the key is not the one or the text is none of VoTT's."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        box = json.loads(base64.b64decode(text, validate=True))
        data, iv = bytes.fromhex(box["ciphertext"]), bytes.fromhex(box["iv"])[:_BLOCK]
    except (binascii.Error, KeyError, TypeError, RecursionError) as error:
        raise ValueError("not encrypted by VoTT") from error
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padding = PKCS7(_BLOCK * 8).unpadder()
    plain = padding.update(cipher.update(data) + cipher.finalize()) + padding.finalize()
    return json.loads(plain.decode())


def _sealed(connection: Any) -> str | None:
    options = connection.get("providerOptions") if isinstance(connection, dict) else None
    text = options.get("encrypted") if isinstance(options, dict) else None
    return text if isinstance(text, str) else None


def _opened(text: str, keys: list[bytes]) -> Record | None:
    for key in keys:
        try:
            found = decrypt(text, key)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None


def _keys(token: str, wanted: Any) -> list[bytes]:
    """The keys that a token stands for; of a file with several those of the name that the project wants come first."""
    entries = _file(token.strip())
    if entries is None:
        found = [_key(token)]
    else:
        named = sorted(entries, key=lambda entry: entry.get("name") != wanted)
        found = [_key(entry.get("key")) for entry in named]
    return [key for key in found if key is not None]


def _file(token: str) -> list[Record] | None:
    """The tokens in the file of this path; None where there is no such file."""
    try:
        if not Path(token).is_file():
            return None
        value = read_json(Path(token), 1)
    except (OSError, ValueError):  # A key is no path: too long a name, say.
        return None
    except BridgeError:
        return []
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, dict)]


def _key(text: Any) -> bytes | None:
    try:
        key = base64.b64decode(text.strip(), validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return None
    return key if len(key) in _KEY_SIZES else None


def _finding(fields: dict[str, Any]) -> Finding:
    return Finding("vott-key", Severity.WARNING, None, fields)
