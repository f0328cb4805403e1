"""Pictures that somebody else put into Label Studio, brought here once: darknet trains on files.

Anybody who may import tasks can name any address in them. So only Label Studio's own host is asked, and hosts that a
person has allowed; the token goes to Label Studio alone.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bridge import picture
from bridge.document import write_atomic
from bridge.errors import BridgeError, InputError
from bridge.model.annotation import Image
from bridge.model.finding import Finding, Severity
from plugins.sources.label_studio.client import Client

_MOST_BYTES = 100_000_000
# Served by Label Studio itself, whatever host it calls itself in the address.
_OWN = re.compile(r"/data/(?:upload|local-files)/")


@dataclass(frozen=True, slots=True)
class Downloads:
    """Where pictures are kept (None: nowhere, so none are fetched), and other hosts that may be asked."""

    client: Client
    folder: Path | None
    hosts: frozenset[str] = frozenset()
    max_megapixels: int = 200

    def bring(self, item: str, name: str, address: str) -> tuple[Image, list[Finding]]:
        """What is known of the picture after it was fetched (or was here already); a finding if it cannot be."""
        if self.folder is None or not address:
            return Image(name), []
        path = self.folder / f"{item}-{_digest(address)}{_suffix(name)}"
        try:
            if not path.is_file():
                self.folder.mkdir(parents=True, exist_ok=True)
                write_atomic(path, self._fetch(address))
            look = picture.look(path, self.max_megapixels)
            stamp = picture.stamp(path)
        except (BridgeError, OSError) as error:
            reason = error.rule if isinstance(error, BridgeError) else str(error)
            fields = {"host": urlsplit(address).netloc or "-", "reason": reason}
            return Image(name), [Finding("not-fetched", Severity.WARNING, name, fields)]
        return Image(name, look.width, look.height, None, look.orientation, stamp), []

    def _fetch(self, address: str) -> bytes:
        parts = urlsplit(address)
        own = urlsplit(self.client.url)
        found = _OWN.search(parts.path)
        if found and (not parts.netloc or parts.scheme in ("http", "https")):
            query = f"?{parts.query}" if parts.query else ""
            return self.client.download(f"{self.client.url}{parts.path[found.start() :]}{query}", _MOST_BYTES)
        if parts.scheme in ("http", "https") and parts.netloc == own.netloc:
            return self.client.download(address, _MOST_BYTES)
        if parts.scheme in ("http", "https") and {parts.netloc, parts.hostname or ""} & self.hosts:
            # Without a token: it is somebody else's server.
            return Client(f"{parts.scheme}://{parts.netloc}", "").download(address, _MOST_BYTES)
        raise InputError("host-not-allowed", host=parts.netloc or parts.scheme or "-")


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return suffix if suffix in picture.EXTENSIONS else ".bin"
