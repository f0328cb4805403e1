"""`python -m bridge.label_studio`: install the Label Studio server of the demo and the tests, once."""

from __future__ import annotations

import sys
from typing import Any

from bridge import label_studio, texts
from bridge.errors import BridgeError


def main() -> int:
    """Install it and make its template, unless both are there; 1 with a sentence when that fails."""
    language = texts.language_of()

    def say(key: str, **fields: Any) -> None:
        print(texts.render("cli", key, fields, language), flush=True)

    cache = label_studio.cache_folder()
    try:
        label_studio.template(cache, label_studio.program(cache, say), say)
    except BridgeError as error:
        print(texts.render("errors", error.rule, error.fields, language), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
