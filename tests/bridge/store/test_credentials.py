from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import MissingPartError
from bridge.settings import Settings
from bridge.store.credentials import seal, unseal


def test_what_is_sealed_is_opened_again_and_tells_nothing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    sealed = seal(settings, {"token": "geheim", "webhook": "犬"})
    assert b"geheim" not in sealed
    assert unseal(settings, sealed) == {"token": "geheim", "webhook": "犬"}
    assert unseal(settings, None) == {}
    assert seal(settings, {"token": "geheim"}) != seal(settings, {"token": "geheim"})


def test_a_key_can_be_changed_without_losing_what_it_sealed(tmp_path: Path) -> None:
    old = Settings(data=tmp_path, secret_key="old")
    sealed = seal(old, {"token": "x"})
    assert unseal(replace(old, secret_key="new, old"), sealed) == {"token": "x"}
    with pytest.raises(MissingPartError, match="credentials-locked"):
        unseal(replace(old, secret_key="new"), sealed)
    # What is sealed now needs only the new one.
    assert unseal(replace(old, secret_key="new"), seal(replace(old, secret_key="new,old"), {"a": "b"})) == {"a": "b"}
