"""Which picture a position means: what is taken, what is refused, and what the refusal shows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import RefusedError
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions
from bridge.texts import render
from plugins.formats.vott1 import VottV1
from tests.plugins.formats.roundtrip import rules
from tests.plugins.formats.vott1_projects import SAVED, Drawn, Shot, Written, add_picture, write_project

CAT, DOG = (Drawn("cat"),), (Drawn("dog"),)


def taken(written: Written, **options: Any) -> tuple[dict[str, Any], dict[str, list[str] | None]]:
    """The finding on the order, and the labels of every picture."""
    reading = VottV1().read(written.json, ReadOptions(**options))
    (ordered,) = (f for f in reading.findings if f.rule == "ordered")
    found = {
        d.image.name: None if d.regions is None else [region.labels[0] for region in d.regions]
        for d in reading.documents
    }
    return {"severity": ordered.severity, **ordered.fields}, found


def refusal(written: Written, **options: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        VottV1().read(written.json, ReadOptions(**options))
    json.dumps(caught.value.fields)  # All of it are plain values.
    assert caught.value.exit_code == 3
    return caught.value


def findings(written: Written, **options: Any) -> Iterable[Finding]:
    return VottV1().read(written.json, ReadOptions(**options)).findings


def told_in_words(finding: Finding) -> str:
    return render("findings", finding.rule, finding.fields)


# ------------------------------------------------------------ what is taken


def test_names_that_every_order_lists_alike_need_no_shapes(tmp_path: Path) -> None:
    shots = [Shot(f"{n}.jpg", (416, 416), CAT if n % 2 else DOG, born=n) for n in range(4)]
    ordered, found = taken(write_project(tmp_path, shots))
    assert (ordered["case"], ordered["fits"], ordered["misfits"]) == ("agree", 4, 0)
    assert found == {"0.jpg": ["dog"], "1.jpg": ["cat"], "2.jpg": ["dog"], "3.jpg": ["cat"]}


def hashes(root: Path, sizes: Iterable[tuple[int, int]], labelled: int) -> Written:
    shots = [
        Shot(f"{17 * n:04x}.jpg", size, CAT if n % 2 else DOG, state="labelled" if n < labelled else "never", born=n)
        for n, size in enumerate(sizes)
    ]
    return write_project(root, [shot if shot.state == "labelled" else replace(shot, boxes=()) for shot in shots])


def test_a_picture_removed_among_equal_ones_is_never_taken_for_proved(tmp_path: Path) -> None:
    written = hashes(tmp_path, [(416, 416)] * 6, 4)
    (written.folder / "0011.jpg").unlink()
    ordered, _ = taken(written)
    assert (ordered["case"], ordered["how"], ordered["severity"]) == ("agree-unproved", "agree", Severity.WARNING)
    assert (ordered["fits"], ordered["moved"]) == (4, 4)
    (told,) = (f for f in findings(written) if f.rule == "ordered")
    assert "could not be noticed" in told_in_words(told)


def test_every_picture_visited_leaves_nothing_that_was_added(tmp_path: Path) -> None:
    ordered, _ = taken(hashes(tmp_path, [(416, 416)] * 4, 4))
    assert (ordered["case"], ordered["severity"], "moved" in ordered) == ("agree", Severity.INFO, False)


@pytest.mark.parametrize(
    ("widths", "moved"),
    [
        ([40, 50, 60, 70, 80, 90], 0),  # No picture is like its neighbour.
        ([40, 50, 60, 70, 70, 90], 1),  # The last labelled one and the next.
        ([40, 50, 60, 60, 80, 90], 1),  # The last labelled one and the one before.
        ([40, 50, 50, 70, 80, 90], 0),  # One after them would not fit.
        ([40, 70, 70, 70, 70, 90], 3),
    ],
)
def test_only_neighbours_of_one_shape_leave_a_doubt(tmp_path: Path, widths: list[int], moved: int) -> None:
    ordered, _ = taken(hashes(tmp_path, [(width, 60) for width in widths], 4))
    assert ordered.get("moved", 0) == moved
    assert ordered["severity"] is (Severity.WARNING if moved else Severity.INFO)


def test_an_order_told_by_shapes_is_no_proof_that_nothing_was_added(tmp_path: Path) -> None:
    shots = [Shot("a.jpg", (48, 64), CAT), Shot("B.jpg", (64, 48), DOG), Shot("c.jpg", (64, 48), state="never")]
    ordered, _ = taken(write_project(tmp_path, shots))
    assert (ordered["case"], ordered["moved"], ordered["severity"]) == ("shapes-unproved", 1, Severity.WARNING)


def test_a_wrong_order_of_creation_is_ruled_out_by_shapes(tmp_path: Path) -> None:
    shots = [Shot("a.jpg", (64, 48), CAT, born=2), Shot("b.jpg", (48, 64), DOG, born=1)]
    ordered, found = taken(write_project(tmp_path, shots))
    assert (ordered["case"], ordered["order"], ordered["other"], ordered["other_misfits"]) == (
        "shapes", "ntfs", "created", 2,
    )  # fmt: skip
    assert found == {"a.jpg": ["cat"], "b.jpg": ["dog"]}


def test_an_order_is_ruled_out_as_a_whole_with_what_it_says_of_pictures_without_boxes(tmp_path: Path) -> None:
    shots = [
        Shot("a_1.jpg", (48, 64), CAT, born=0),
        Shot("a1.jpg", (64, 48), DOG, born=1),
        Shot("b_1.jpg", state="visited", born=2),
        Shot("b1.jpg", state="never", born=3),
    ]
    ordered, found = taken(write_project(tmp_path, shots))
    # Nothing tells whether a picture came or went among those without boxes.
    assert (ordered["case"], ordered["how"], ordered["moved"]) == ("shapes-unproved", "shapes", 1)
    assert found == {"a1.jpg": ["dog"], "a_1.jpg": ["cat"], "b_1.jpg": [], "b1.jpg": None}


def test_a_picture_that_came_later_is_left_out_and_told(tmp_path: Path) -> None:
    written = write_project(tmp_path, [Shot("b.jpg", (64, 48), CAT), Shot("c.jpg", (48, 64), DOG, born=1)])
    add_picture(written.folder, Shot("a.jpg", (60, 60)), SAVED + 5)
    ordered, found = taken(written)
    assert (ordered["case"], ordered["left_out"], ordered["other_misfits"]) == ("shapes", 1, 2)
    assert found == {"a.jpg": None, "b.jpg": ["cat"], "c.jpg": ["dog"]}
    assert ("newer-image", "a.jpg", "order") in [(f.rule, f.image, f.fields.get("case")) for f in findings(written)]


def test_times_of_a_copy_are_told_to_be_of_no_use(tmp_path: Path) -> None:
    written = write_project(tmp_path, [Shot("b.jpg", (64, 48), CAT), Shot("c.jpg", (48, 64), DOG)])
    for path in written.folder.iterdir():
        os.utime(path, (SAVED + 9, SAVED + 9))
    assert rules(findings(written)) == ["ordered", "times-lost", "canvas"]


def test_an_order_that_is_asked_for_is_taken_and_its_misfits_are_told(tmp_path: Path) -> None:
    written = write_project(tmp_path, [Shot("a_1.jpg", (48, 64), CAT), Shot("a1.jpg", (64, 48), DOG)])
    ordered, found = taken(written, order="bytes")
    assert found == {"a1.jpg": ["dog"], "a_1.jpg": ["cat"]}
    assert (ordered["case"], ordered["misfits"], ordered["severity"]) == ("asked-alone", 0, Severity.INFO)
    wrong = write_project(tmp_path / "2", [Shot("a_1.jpg", (48, 64), CAT), Shot("B.jpg", (64, 48), DOG)])
    ordered, _ = taken(wrong, order="bytes")
    assert (ordered["case"], ordered["misfits"], ordered["severity"]) == ("asked", 2, Severity.WARNING)
    documents = VottV1().read(wrong.json, ReadOptions(order="bytes")).documents
    told = {d.image.name: [(f.rule, f.severity, f.fields["case"]) for f in d.findings] for d in documents}
    assert told == {
        "B.jpg": [("aspect", Severity.WARNING, "order")],  # It may have been wider than the window.
        "a_1.jpg": [("aspect", Severity.ERROR, "order")],
    }


# ------------------------------------------------------------ what is refused


def test_pictures_of_one_shape_are_put_before_a_person(tmp_path: Path) -> None:
    shots = [Shot(name, (416, 416), CAT if name == "Zoo.jpg" else DOG) for name in ("Zoo.jpg", "a.jpg", "_x.jpg")]
    written = write_project(tmp_path, shots)
    (written.folder / "Thumbs.db").touch()
    error = refusal(written)
    assert (error.rule, error.fields["reason"], error.fields["count"], error.fields["found"]) == (
        "ambiguous-order", "tie", 3, 3,
    )  # fmt: skip
    assert error.fields["differing"] == "0: a.jpg / Zoo.jpg; 1: Zoo.jpg / _x.jpg; 2: _x.jpg / a.jpg"
    evidence = error.fields["evidence"]
    assert evidence["candidates"] == [
        {"key": k, "order": k, "without_newer": False, "fits": 3, "misfits": 0, "weak": 0, "possible": True}
        for k in ("ntfs", "bytes")
    ]
    assert evidence["pictures"][1] == {
        "position": 1,
        "labels": ["cat"],
        "names": {"ntfs": "Zoo.jpg", "bytes": "_x.jpg"},
        "fits": {"ntfs": True, "bytes": True},
    }
    assert evidence["hints"] == ["Thumbs.db"]


def test_only_the_pictures_that_could_be_swapped_are_named(tmp_path: Path) -> None:
    """Listed by creation, two pictures of one shape change places: nothing else is in question."""
    shots = [
        Shot(f"{n}.jpg", (40 + 10 * (n // 2), 60), CAT if n % 2 else DOG, born=n ^ 1 if n < 2 else n) for n in range(6)
    ]
    error = refusal(write_project(tmp_path, shots))
    assert error.fields["reason"] == "tie"
    assert [p["position"] for p in error.fields["evidence"]["pictures"]] == [0, 1]


def test_pictures_without_boxes_leave_no_trace_of_their_shape(tmp_path: Path) -> None:
    shots = [Shot("0.jpg", (64, 48), DOG), Shot("B.jpg", state="visited"), Shot("a.jpg", state="never")]
    error = refusal(write_project(tmp_path, shots))
    assert error.fields["reason"] == "unscored"
    assert [(p["names"], p["fits"]) for p in error.fields["evidence"]["pictures"]] == [
        ({"ntfs": "B.jpg", "bytes": "a.jpg"}, {"ntfs": None, "bytes": None})
    ]


def test_a_picture_that_was_removed_stops_the_import(tmp_path: Path) -> None:
    shots = [Shot(f"{n}.jpg", (40 + 10 * n, 60), CAT) for n in range(4)] + [Shot("9.jpg", state="never")]
    written = write_project(tmp_path, shots)
    (written.folder / "1.jpg").unlink()
    error = refusal(written)
    assert (error.rule, error.fields["reason"]) == ("ambiguous-order", "misfits")
    assert [p["position"] for p in error.fields["evidence"]["pictures"]] == [1, 2]
    (written.folder / "9.jpg").unlink()
    short = refusal(written)
    assert (short.rule, short.fields["needed"], short.fields["found"]) == ("index-short", 4, 3)
    assert short.fields["evidence"]["candidates"][0]["fits"] == 1
    assert refusal(written, order="bytes").rule == "index-short"


def test_a_replaced_picture_stops_the_import_even_where_all_orders_agree(tmp_path: Path) -> None:
    written = write_project(tmp_path, [Shot("a.jpg", (64, 48), CAT), Shot("b.jpg", (64, 48), DOG)])
    add_picture(written.folder, Shot("b.jpg", (30, 90)), SAVED - 5)
    error = refusal(written)
    assert error.fields["reason"] == "misfits"
    assert [(p["position"], p["names"]["ntfs"]) for p in error.fields["evidence"]["pictures"]] == [(1, "b.jpg")]


def test_a_picture_that_came_later_among_equal_ones_is_put_before_a_person(tmp_path: Path) -> None:
    written = write_project(tmp_path, [Shot("b.jpg", boxes=CAT), Shot("c.jpg", boxes=DOG, born=1)])
    add_picture(written.folder, Shot("a.jpg"), SAVED + 5)
    error = refusal(written)
    assert {c["key"] for c in error.fields["evidence"]["candidates"]} >= {"ntfs", "ntfs-without-newer"}
    assert error.fields["evidence"]["newer"] == ["a.jpg"]
    assert error.fields["differing"] == "0: a.jpg / b.jpg; 1: b.jpg / c.jpg"
    assert taken(written, leave_newer=True)[1] == {"a.jpg": None, "b.jpg": ["cat"], "c.jpg": ["dog"]}


# ------------------------------------------------------------ what else lies about


def tie(root: Path, boxes: dict[str, tuple[Drawn, ...]] | None = None) -> Written:
    """Three pictures of one shape, which Windows and Linux list otherwise; labelled on Windows."""
    drawn = boxes or {"a.jpg": CAT, "B.jpg": DOG, "_c.jpg": (*CAT, *DOG)}
    return write_project(root, [Shot(name, boxes=one) for name, one in drawn.items()], tags=["cat", "dog"])


def yolo(root: Path, lines: dict[str, str], names: str = "cat\ndog\n", when: int = SAVED) -> None:
    data = root / "imgs_output" / "data"
    (data / "obj").mkdir(parents=True, exist_ok=True)
    (data / "obj.names").write_text(names)
    for stem, classes in lines.items():
        text = "\n".join(f"{c} 0.1 0.1 0.1 0.1" for c in classes)  # Whatever the numbers are.
        (data / "obj" / f"{stem}.txt").write_text(text)
    os.utime(data / "obj.names", (when, when))


def test_an_export_beside_the_project_decides(tmp_path: Path) -> None:
    yolo(tmp_path, {"a": "0", "B": "1", "_c": "01"})
    ordered, found = taken(tie(tmp_path))
    assert (ordered["case"], ordered["order"], ordered["other"]) == ("export", "ntfs", "bytes")
    assert ordered["severity"] is Severity.WARNING
    assert found == {"a.jpg": ["cat"], "B.jpg": ["dog"], "_c.jpg": ["cat", "dog"]}


def test_an_export_made_where_the_folder_was_listed_otherwise_is_never_taken_without_a_warning(tmp_path: Path) -> None:
    """Labelled on Windows, opened and exported on Linux: the export agrees with the wrong order."""
    yolo(tmp_path, {"B": "0", "_c": "1", "a": "01"})
    written = tie(tmp_path)
    ordered, _ = taken(written)
    assert (ordered["case"], ordered["order"], ordered["severity"]) == ("export", "bytes", Severity.WARNING)
    (told,) = (f for f in findings(written) if f.rule == "ordered")
    assert "--order" in told_in_words(told)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ({"a": "0", "B": "1", "_c": "01"}, "dog\ncat\n"),  # Of another project.
        ({"a": "1", "B": "0", "_c": "01"}, "cat\ndog\n"),  # Older than the labels: it agrees with nothing.
        ({"a": "0"}, "cat\ndog\n"),  # It knows too few.
        ({"a": "", "B": "", "_c": ""}, "cat\ndog\n"),
    ],
)
def test_an_export_that_leaves_a_doubt_decides_nothing(tmp_path: Path, lines: dict[str, str], names: str) -> None:
    yolo(tmp_path, lines, names)
    assert refusal(tie(tmp_path)).fields["reason"] == "tie"


def test_an_export_of_equal_classes_decides_nothing_but_is_shown(tmp_path: Path) -> None:
    yolo(tmp_path, {"a": "0", "B": "0", "_c": "0"})
    error = refusal(tie(tmp_path, {"a.jpg": CAT, "B.jpg": CAT, "_c.jpg": CAT}))
    assert error.fields["evidence"]["witnesses"] == [{"file": "data", "kind": "yolo", "agrees": ["ntfs", "bytes"]}]


def test_an_export_from_after_a_picture_came_has_listed_it(tmp_path: Path) -> None:
    written = tie(tmp_path, {"b.jpg": CAT, "c.jpg": DOG})
    add_picture(written.folder, Shot("a.jpg"), SAVED + 5)
    yolo(tmp_path, {"a": "0", "b": "1"}, when=SAVED + 9)
    assert refusal(written).rule == "ambiguous-order"
    yolo(tmp_path, {"b": "0", "c": "1"}, when=SAVED + 1)
    (tmp_path / "imgs_output/data/obj/a.txt").unlink()
    assert taken(written)[1] == {"a.jpg": None, "b.jpg": ["cat"], "c.jpg": ["dog"]}


def test_a_pascal_voc_export_decides_too(tmp_path: Path) -> None:
    out = tmp_path / "out" / "Annotations"
    out.mkdir(parents=True)
    (out.parent / "pascal_label_map.pbtxt").write_text("item {\r\n id: 1\r\n name: 'cat'\r\n}\r\n")
    for stem, classes in {"a": ["cat"], "B": ["dog"], "_c": ["cat", "dog"]}.items():
        objects = "".join(f"<object><name>{name}</name></object>" for name in classes)
        (out / f"{stem}.xml").write_text(f"<annotation>{objects}</annotation>")
    (out / "broken.xml").write_text("<annotation><object><name>a&b</name>")
    assert taken(tie(tmp_path))[0]["case"] == "export"


def test_a_later_save_by_name_is_shown_and_decides_nothing(tmp_path: Path) -> None:
    written = tie(tmp_path)
    raw = json.loads(written.json.read_text("utf-8"))
    names = ["a.jpg", "B.jpg", "_c.jpg"]
    moved = {names[int(key)]: [{**r, "x1": r["x1"] + int(key)} for r in frame] for key, frame in raw["frames"].items()}
    raw["frames"] = {key: moved[names[int(key)]] for key in raw["frames"]}
    written.json.write_text(json.dumps(raw))
    (tmp_path / "new.json").write_text(json.dumps({**raw, "frames": moved, "visitedFrames": names}))
    assert refusal(written).fields["evidence"]["witnesses"] == [
        {"file": "new.json", "kind": "save", "agrees": ["ntfs"]}
    ]


# ------------------------------------------------------------ positions among names


def test_visits_of_2018s_development_builds_are_named_by_the_frames_beside(tmp_path: Path) -> None:
    shots = [
        Shot("B.jpg", boxes=CAT),
        Shot("a.jpg", state="visited"),
        Shot("_c.jpg", boxes=DOG),
        Shot("d.jpg", state="never"),
    ]
    written = write_project(tmp_path, shots, "by-name", "bytes")
    reading = VottV1().read(written.json, ReadOptions())
    assert {d.image.name: d.state.value for d in reading.documents} == {
        "B.jpg": "labelled", "_c.jpg": "labelled", "a.jpg": "reviewed-empty", "d.jpg": "unknown",
    }  # fmt: skip
    assert "position-keys" not in rules(reading.findings)


def test_a_position_among_names_that_nobody_knows_is_kept_and_told(tmp_path: Path) -> None:
    written = write_project(tmp_path, [Shot("a.jpg", boxes=CAT), Shot("b.jpg", state="never")], "1.6.1")
    raw = json.loads(written.json.read_text("utf-8"))
    raw["frames"]["7"] = raw["frames"]["a.jpg"]
    raw["visitedFrames"] += [1]
    written.json.write_text(json.dumps(raw))
    reading = VottV1().read(written.json, ReadOptions())
    assert {d.image.name: d.state.value for d in reading.documents} == {
        "a.jpg": "labelled", "7": "labelled", "b.jpg": "unknown",
    }  # fmt: skip
    (told,) = (f for f in reading.findings if f.rule == "position-keys")
    assert (told.fields, told.severity) == ({"count": 2, "keys": "7, 1"}, Severity.WARNING)
