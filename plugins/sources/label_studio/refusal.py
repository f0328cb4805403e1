"""Why Label Studio left a prediction out: it does not say, but its own package has the same check."""

from __future__ import annotations

from typing import Any


class Reasons:
    """The check of one labeling config; without label-studio-sdk no reason is known."""

    def __init__(self, config: str) -> None:
        self._check: Any = None
        try:
            # One to two seconds, so only when something was left out.
            from label_studio_sdk.label_interface.interface import LabelInterface
        except ImportError:
            return
        self._check = LabelInterface(config)

    def of(self, body: dict[str, Any]) -> str:
        """What is wrong with a prediction; empty if that is not known."""
        if self._check is None:
            return ""
        try:
            errors = self._check.validate_prediction(body, return_errors=True)
        except Exception as error:  # Somebody else's code over whatever a plugin drew.
            return f"{type(error).__name__}: {error}"[:500]
        return "; ".join(map(str, errors))[:500] if isinstance(errors, list) else ""
