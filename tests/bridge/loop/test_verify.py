from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import RefusedError
from bridge.loop.convert import export_path
from bridge.loop.verify import verify_export, write_right
from bridge.plugin import ReadOptions, WriteOptions
from bridge.registry import Registry

VOTT1 = Path(__file__).parents[2] / "fixtures" / "vott1"
EXPORT = VOTT1 / "exports" / "v1.6.1-wide-on-screen"
READ = ReadOptions(images=VOTT1 / "images")


def test_what_is_written_is_what_export_writes_and_right(tmp_path: Path) -> None:
    registry, project = Registry(), VOTT1 / "v1.6.1.json"
    before = {path: path.stat().st_mtime_ns for path in VOTT1.rglob("*")}
    verified = verify_export(registry, project, EXPORT, READ)
    write_right(registry, project, EXPORT, tmp_path / "right", verified, READ, WriteOptions())
    export_path(registry, project, "yolo", tmp_path / "export", READ, WriteOptions())
    labels = sorted(path.name for path in (tmp_path / "right" / "data").glob("*.txt"))
    assert len(labels) == 5
    for name in labels:
        right = (tmp_path / "right" / "data" / name).read_text()
        assert right == (tmp_path / "export" / "data" / name).read_text()
    # What was held back for measuring stays held back.
    assert (tmp_path / "right" / "valid.txt").read_text() == "data/_under.png\n"
    again = verify_export(registry, project, tmp_path / "right", READ)
    assert (again.checked, again.right, again.damaged) == (5, 5, {})
    assert {path: path.stat().st_mtime_ns for path in VOTT1.rglob("*")} == before


@pytest.mark.parametrize("inner", ["", "data/obj/new"])
def test_nothing_is_written_into_the_export(inner: str) -> None:
    registry, project = Registry(), VOTT1 / "v1.6.1.json"
    verified = verify_export(registry, project, EXPORT, READ)
    with pytest.raises(RefusedError) as error:
        write_right(registry, project, EXPORT, EXPORT / inner, verified, READ, WriteOptions())
    assert error.value.rule == "fix-into-labels"
