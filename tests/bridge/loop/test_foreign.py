from __future__ import annotations

import math
import os
import time
from pathlib import Path

import psutil
import pytest

from bridge.errors import NotFoundError
from bridge.loop.foreign import Broken, Quarantine
from bridge.loop.validate import run_validators
from bridge.model.annotation import Box, Document, FileStamp, Image, Region
from bridge.model.finding import Finding, Fix, Severity
from bridge.plugin import View
from bridge.registry import Plugin, Registry

# Real child programs and servers: too slow for the unit tests.
pytestmark = pytest.mark.story

HEAD = """
import ctypes, os, subprocess, sys, time
from bridge.model.finding import Finding, Fix, Severity

class Rule:
    rule = "mine"
    def check(self, view):
"""
TAIL = """

PLUGINS = {"validator:mine": Rule}
"""
GOOD = """
        for document in view.documents:
            n = len(document.regions or ())
            yield Finding("mine", Severity.WARNING, document.image.name, {"n": n}, 0, Fix.CLIP)
"""

NAN = Region("damaged", ((math.nan, 2.0), (3.0, 4.0)), (), extra={"type": "odd"})
DOCUMENTS = [
    Document(
        Image("部品/一.jpg", 100, 80, "ab" * 32, 6, FileStamp("/p/一.jpg", 5, 7), "12", 3),
        (Region.rectangle(Box(1.5, 2.0, 30.0, 40.0), "ボルト", region_id="r1"), NAN),
        (Finding("exif", Severity.INFO, "部品/一.jpg", {"orientation": 6}),),
        {"meta": {"z": [1, None]}},
        True,
        "愛子",
        (Region("ellipse", ((9.0, 1.0), (1.0, 9.0), (1.0, 1.0), (2.0, 2.0)), ("ボルト",), score=0.5),),
    ),
    Document(Image("b.jpg")),
    Document(Image("half \udcff name.jpg", 4, 4), ()),
]
VIEW = View(("ボルト", "nut"), DOCUMENTS, (608, 352), 99)


def dropped(folder: Path, body: str) -> Plugin:
    """One validator in a plugin folder."""
    path = folder / "mine.py"
    path.write_text(HEAD + body + TAIL, "utf-8")
    return Plugin("validator", "mine", str(path), "folder")


def findings(folder: Path, body: str, seconds: float = 20.0, view: View = VIEW) -> list[Finding]:
    with Quarantine(view, seconds) as quarantine:
        return quarantine.check(dropped(folder, body))


def broken(folder: Path, body: str, seconds: float = 20.0) -> str:
    with pytest.raises(Broken) as caught:
        findings(folder, body, seconds)
    return str(caught.value)


def test_a_sound_one_sees_the_view_and_gives_its_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELBRIDGE_SECRET_KEY", "sealed")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    body = f"""{GOOD}
        told = repr((view.labels, view.network, view.max_megapixels, list(view.documents)))
        pairs = [a is not b and a.image == b.image for a, b in zip(view.documents, view.documents)]
        secrets = [key for key in os.environ if key.startswith("LABELBRIDGE_")]
        yield Finding("mine", Severity.INFO, None, {{"told": told, "pairs": pairs, "secrets": secrets}})
"""
    *first, last = findings(tmp_path, body)
    assert first == [
        Finding("mine", Severity.WARNING, "部品/一.jpg", {"n": 2}, 0, Fix.CLIP),
        Finding("mine", Severity.WARNING, "b.jpg", {"n": 0}, 0, Fix.CLIP),
        Finding("mine", Severity.WARNING, "half \udcff name.jpg", {"n": 0}, 0, Fix.CLIP),
    ]
    assert last.fields["told"] == repr((VIEW.labels, VIEW.network, VIEW.max_megapixels, DOCUMENTS))
    assert last.fields["pairs"] == [True, True, True]  # Read again, and side by side.
    assert last.fields["secrets"] == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_one_that_prints_does_not_disturb_its_answer(tmp_path: Path) -> None:
    body = """
        print("starting …" * 1000, flush=True)
        os.write(1, b'{"findings": "garbage"}')
        sys.stderr.write("a warning")
        yield Finding("mine", Severity.INFO)
"""
    assert findings(tmp_path, body) == [Finding("mine", Severity.INFO)]


def test_one_that_writes_garbage_into_its_answer_is_broken(tmp_path: Path) -> None:
    body = """
        for number in range(3, 64):
            try:
                os.write(number, b"garbage")
            except OSError:
                pass
        yield Finding("mine", Severity.INFO)
"""
    assert "cannot be read" in broken(tmp_path, body)


def test_one_that_raises_says_what(tmp_path: Path) -> None:
    assert broken(tmp_path, "        raise ValueError('no plate 番号')") == "ValueError: no plate 番号"
    assert broken(tmp_path, "        return ['text']") == "TypeError: 'text' is no Finding"


def test_one_that_leaves_is_broken(tmp_path: Path) -> None:
    leave = "        sys.stderr.write('gone\\n'); sys.stderr.flush(); os._exit(3)"
    assert broken(tmp_path, leave) == "exit code 3: gone"


def test_one_that_crashes_is_broken(tmp_path: Path) -> None:
    assert broken(tmp_path, "        os.abort()").startswith("SIGABRT")


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    body = f"""
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(note)!r}, "w").write(f"{{os.getpid()}} {{helper.pid}}")
        while True:
            time.sleep(1)
"""
    began = time.monotonic()
    assert broken(tmp_path, body, 1.5) == "no end after 1.5 s"
    assert time.monotonic() - began < 10
    time.sleep(0.1)
    assert [pid for pid in map(int, note.read_text().split()) if _runs(pid)] == []


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_one_that_never_stops_finding_is_bounded(tmp_path: Path) -> None:
    body = """
        import bridge.loop.foreign
        sys.modules["__main__"].MOST_FINDINGS = 10
        while True:
            yield Finding("mine", Severity.INFO)
"""
    assert broken(tmp_path, body) == "OverflowError: more than 10 findings"


def test_one_in_a_package_is_found_by_its_dotted_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "platecheck.py").write_text(HEAD + GOOD, "utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    with Quarantine(VIEW, 20.0) as quarantine:
        assert len(quarantine.check(Plugin("validator", "mine", "platecheck:Rule", "package"))) == 3
        with pytest.raises(Broken, match="ModuleNotFoundError"):
            quarantine.check(Plugin("validator", "gone", "nowhere_at_all:Rule", "package"))


# ---------------------------------------------------------------- in a check


def test_a_check_finishes_around_broken_ones(tmp_path: Path) -> None:
    for name, body in {"hangs": "        time.sleep(60)", "raises": "        1 / 0", "works": GOOD}.items():
        text = (HEAD + body + TAIL).replace("mine", name)
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    registry = Registry(tmp_path)
    swapped = Document(Image("s.jpg", 50, 50), (Region("rectangle", ((9, 9), (1, 1)), ("nut",)),))
    seen: list[tuple[int, int]] = []
    count = len(registry.names("validator"))
    found = run_validators(registry, View(("nut",), [swapped]), 2.0, lambda done, total: seen.append((done, total)))
    assert seen == [(n, count) for n in range(count + 1)]
    told = {f.fields["plugin"]: f.fields["reason"] for f in found if f.rule == "plugin-broken"}
    assert told == {"hangs": "no end after 2 s", "raises": "ZeroDivisionError: division by zero"}
    assert {"works", "swapped"} <= {f.rule for f in found}
    assert registry.names("validator")[-1] == "works"
    with pytest.raises(NotFoundError) as missing:
        registry.find("validator", "hangs")
    assert missing.value.fields["reason"] == "no end after 2 s"


def test_a_plugin_may_take_the_place_of_a_built_in(tmp_path: Path) -> None:
    text = (HEAD + GOOD + TAIL).replace("validator:mine", "validator:swapped")
    (tmp_path / "own.py").write_text(text, "utf-8")
    swapped = Document(Image("s.jpg", 50, 50), (Region("rectangle", ((9, 9), (1, 1)), ("nut",)),))
    rules = {f.rule for f in run_validators(Registry(tmp_path), View(("nut",), [swapped]), 20.0)}
    assert "mine" in rules
    assert "swapped" not in rules
