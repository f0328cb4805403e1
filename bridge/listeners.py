"""Tells listeners what happened, once it is stored; one that raises or hangs is put aside and takes nobody down."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal

import pluggy

from bridge.plugin import Listeners
from bridge.registry import Registry

Event = Literal["run_changed", "dataset_cut", "findings_changed"]

# Whoever caused the event waits for its listeners, so that they hear things in order; this long at most, and once.
SECONDS = 5.0


def tell(registry: Registry, event: Event, **fields: Any) -> None:
    """Tell every listener of an event; call it outside of transactions, when what it says can be read."""
    for known, listener in registry.usable("listener"):
        reason = _hear(listener, event, fields)
        if reason is not None:
            registry.put_aside("listener", known.name, reason)
            _log(known.name, event, reason)


def _hear(listener: object, event: Event, fields: Mapping[str, Any]) -> str | None:
    """Let one listener hear it, in a thread that nobody has to wait for; gives what was wrong with it."""
    faults: list[str] = []

    def hear() -> None:
        try:
            manager = pluggy.PluginManager("labelbridge")
            manager.add_hookspecs(Listeners)
            manager.register(listener)
            manager.check_pending()  # A hook that does not exist is a slip of the pen, and would never be called.
            getattr(manager.hook, event)(**fields)
        except (Exception, SystemExit) as error:
            faults.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=hear, name=f"listener-{event}", daemon=True)
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        return f"no end after {SECONDS:g} s ({event})"
    return faults[0] if faults else None


def _log(name: str, event: Event, reason: str) -> None:
    import structlog

    structlog.get_logger().warning("listener-put-aside", plugin=name, listened_to=event, reason=reason)
