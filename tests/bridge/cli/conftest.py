"""The command line, called in this process as a person calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.main import main
from bridge.model.dataset import Dataset
from bridge.plugin import WriteOptions
from bridge.registry import Registry
from bridge.sample import LABELS, draw_sample, plant_defects


@dataclass(frozen=True)
class Said:
    """How a call ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Say = Callable[..., Said]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Say:
    """Calls labelbridge in an empty folder, in English, with nothing of this machine's own settings."""
    import os

    for name in [n for n in os.environ if n.startswith("LABELBRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "C.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("USER", "愛子")
    monkeypatch.chdir(tmp_path)

    def call(*words: str | Path) -> Said:
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsysbinary.readouterr()
        assert isinstance(ended.value.code, int)
        assert b"Traceback" not in printed.err
        return Said(ended.value.code, printed.out.decode(), printed.err.decode())

    return call


@pytest.fixture(scope="session")
def vott(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VoTT project of drawn pictures with the usual mistakes in it; read only."""
    folder = tmp_path_factory.mktemp("撮影")
    spoilt, _ = plant_defects(draw_sample(folder / "写真", 24, 6))
    Registry().format("vott-v2").write(Dataset("撮影", tuple(LABELS), spoilt), folder / "vott", WriteOptions("none"))
    return folder / "vott"
