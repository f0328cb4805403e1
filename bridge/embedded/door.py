"""Letting other machines in: pages and broker on an address of the local network."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace

from bridge.settings import Settings
from bridge.store.secret import key

_ALL = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Door:
    """Where our broker is open to other machines, and the password it wants from everybody then."""

    address: str
    port: int
    password: str

    def url(self) -> str:
        """The broker as Celery names it elsewhere."""
        return f"redis://:{self.password}@{_written(self.address)}:{self.port}/0"


def door_of(settings: Settings) -> Door | None:
    """One port above the pages, with a password that stays the same; None where nobody else is let in."""
    if not settings.listen or settings.redis_url:
        return None
    return Door(settings.listen, settings.port + 1, key(settings, "broker").hex())


def opened(settings: Settings) -> Settings:
    """The settings of pages that other machines reach, if they are to."""
    if not settings.listen:
        return settings
    public = settings.public_url or f"http://{_found_at(settings.listen)}:{settings.port}"
    return replace(settings, host=settings.listen, public_url=public)


def _found_at(listen: str) -> str:
    """How other machines find this one: the address itself, or that of the way out where it is all of them."""
    if listen not in _ALL:
        return _written(listen)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # Nothing is sent: it only asks which way that would go.
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _written(address: str) -> str:
    return f"[{address}]" if ":" in address else address
