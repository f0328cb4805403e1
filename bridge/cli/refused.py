"""What is said when a person must decide first: why, and where he can do it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.evidence import say_evidence
from bridge.model.delivery import BY_ORDER

if TYPE_CHECKING:
    from bridge.cli.command import Call
    from bridge.errors import BridgeError

_ANSWER_SECONDS = 1.0


def say_refused(call: Call, refusal: BridgeError) -> int:
    """A refusal with what can be done about it now; gives the exit code."""
    call.console.error(refusal)
    say_evidence(call.console, refusal.fields)
    number = refusal.fields.get("delivery")
    if isinstance(number, int):
        say_ways(call, number, refusal.rule)
    return refusal.exit_code


def say_ways(call: Call, number: int, rule: str) -> None:
    """How the delivery of that number is decided, here and on the page."""
    by_order = rule in BY_ORDER
    call.console.line("")
    call.console.say("refused-waits" if by_order else "refused-waits-else", number=number)
    url = call.settings.server if call.there else page_url(call.settings.data)
    if by_order:
        call.console.say("refused-page" if url else "refused-page-up", url=f"{url}/deliveries/{number}", number=number)


def page_url(data: Path) -> str | None:
    """Where the pages over this data folder are served now, if they are."""
    from urllib.request import ProxyHandler, build_opener

    try:
        told = json.loads((data / "web.json").read_text("utf-8"))
        # A proxy of the surroundings cannot reach this machine.
        with build_opener(ProxyHandler({})).open(f"{told['here']}/healthz", timeout=_ANSWER_SECONDS) as answer:
            return str(told["url"]) if answer.status == 200 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
