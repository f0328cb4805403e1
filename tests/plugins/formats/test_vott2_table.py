from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import NotFoundError, RefusedError
from bridge.model.annotation import State
from bridge.model.dataset import Reading
from bridge.plugin import ReadOptions, WriteOptions
from plugins.formats.vott2 import VottV2
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"
CSV = FIXTURES / "csv"
HEADER = '"image","xmin","ymin","xmax","ymax","label"\n'


def read(path: Path, images: Path | None = FIXTURES / "images") -> Reading:
    return VottV2().read(path, ReadOptions(images))


def table(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "p-export.csv"
    path.write_bytes((HEADER + "\n".join(lines)).encode(encoding))
    return path


def boxes(reading: Reading) -> dict[str, list[object]]:
    return {
        d.image.name: [
            (r.box and (r.box.left, r.box.top, r.box.right, r.box.bottom), r.labels) for r in d.regions or ()
        ]
        for d in reading.documents
    }


def test_the_table_says_what_the_project_says_as_far_as_it_can() -> None:
    project = VottV2().read(FIXTURES / "v2.2.0-win", ReadOptions())
    truth = {name: found for name, found in boxes(project).items() if found}
    # A point has no box in the project; in the table it is one without area.
    truth["a.b.c.jpeg"] = [((50, 50, 50, 50), ("kimono",)), ((50, 50, 60, 90), ("kimono",))]
    reading = read(CSV)
    assert {name: found for name, found in boxes(reading).items() if found} == truth
    assert reading.labels == ("kimono", "swimsuit", "beauty man", "a&b", "水着")
    assert (reading.declared, reading.title) == (False, "demo-project")
    assert rules(reading.findings) == ["label-order", "boxes-only"]


def test_pictures_without_a_row_are_unknown_and_never_negatives() -> None:
    documents = list(read(CSV).documents)
    unknown = {d.image.name for d in documents if d.state is State.UNKNOWN}
    assert unknown == {"empty_visited.jpg", "never_visited.jpg"}
    assert {d.state for d in documents} == {State.UNKNOWN, State.LABELLED}
    assert len(documents) == read(CSV).total


def test_sizes_come_from_the_pictures() -> None:
    sizes = {d.image.name: (d.image.width, d.image.height) for d in read(CSV).documents}
    assert (sizes["日本語.jpg"], sizes["_under.png"], sizes["clip.mp4#t=0"]) == ((640, 480), (300, 400), (0, 0))


def test_pictures_that_vott_put_beside_the_table_have_encoded_names(
    tmp_path: Path, picture: Callable[..., Path]
) -> None:
    made = picture("per%25cent.jpg", 640, 480)
    (found,) = read(table(tmp_path, '"per%25cent.jpg",1,1,51,51,"a"'), None).documents
    assert found.image.name == "per%cent.jpg"
    assert found.image.file is not None
    assert found.image.file.path == str(made)


def test_rows_of_one_box_are_one_region_and_that_is_said(tmp_path: Path) -> None:
    rows = (
        '"a.jpg",1,2,3,4,"x"',
        '"a.jpg",1,2,3,4,"y"',
        '"a.jpg",1,2,3,4,"x"',
        '"b.jpg",1,2,3,4,"x"',
        '"a.jpg",5,6,7,8,"x"',
    )
    a, b = read(table(tmp_path, *rows), None).documents
    assert [r.labels for r in a.regions or ()] == [("x", "y"), ("x",), ("x",)]
    assert [(f.region, f.fields) for f in a.findings if f.rule == "same-box"] == [(0, {"labels": "x, y"})]
    assert [r.labels for r in b.regions or ()] == [("x",)]
    assert "same-box" not in rules(b.findings)


def test_a_row_that_cannot_be_used_costs_itself_only(tmp_path: Path) -> None:
    rows = (
        '"a.jpg",1,2,3',
        '"b.jpg",1,nan,3,4,"x"',
        '"a.jpg",1,2,3,"4',
        "",
        '"a.jpg",1_0,2,3,4,"x"',
        '"a.jpg",1,2,3,4,""',
        '"a.jpg",1,2,3,4,"x"',
    )
    reading = read(table(tmp_path, *rows), None)
    b, a = reading.documents
    assert [(f.rule, f.fields["row"]) for f in reading.findings if f.rule == "damaged-item"] == [
        ("damaged-item", 2),
        ("damaged-item", 4),
    ]
    assert [(r.kind, r.labels) for r in b.regions or ()] == [("damaged", ("x",))]
    assert {"bad-number", "no-box"} <= set(rules(b.findings))
    assert [(r.kind, r.labels) for r in a.regions or ()] == [
        ("damaged", ("x",)),
        ("rectangle", ()),
        ("rectangle", ("x",)),
    ]
    assert "untagged" in rules(a.findings)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_the_table_may_have_gone_through_a_spreadsheet(encoding: str, tmp_path: Path) -> None:
    reading = read(table(tmp_path, '"画像 1.jpg",1,2,3,4,"水着, ""赤"""\r', encoding=encoding), None)
    assert boxes(reading) == {"画像 1.jpg": [((1, 2, 3, 4), ('水着, "赤"',))]}


def test_names_never_lead_out(tmp_path: Path, picture: Callable[..., Path]) -> None:
    picture("secret.jpg", 640, 480)
    reading = read(table(tmp_path / "in", '"../secret.jpg",1,2,3,4,"x"', '"..%2Fsecret.jpg",1,2,3,4,"x"'), None)
    (found,) = reading.documents
    assert found.image.name == "secret.jpg"


def test_a_table_becomes_a_project_that_vott_opens(tmp_path: Path) -> None:
    reading = read(CSV)
    VottV2().write(dataset_of(reading), tmp_path / "out", WriteOptions(pictures="copy"))
    again = VottV2().read(tmp_path / "out", ReadOptions())
    before, after = contents(reading.documents), contents(again.documents)
    assert {name: digest for name, digest in after.items() if digest} == {n: d for n, d in before.items() if d}
    assets = json.loads(next((tmp_path / "out").glob("*.vott")).read_bytes())["assets"]
    assert all(asset["path"].startswith("file:/") for asset in assets.values())


def test_recognised_are_tables_of_vott_and_no_others(tmp_path: Path) -> None:
    assert VottV2().recognises(CSV)
    assert VottV2().recognises(CSV / "demo-project-export.csv")
    other = tmp_path / "other.csv"
    other.write_text("picture,label,left\n")
    (tmp_path / "empty.csv").write_text("")
    assert not VottV2().recognises(other)
    assert not VottV2().recognises(tmp_path)
    with pytest.raises(NotFoundError):
        read(other)
    for name in ("a", "b"):
        shutil.copy(CSV / "demo-project-export.csv", tmp_path / f"{name}.csv")
    assert not VottV2().recognises(tmp_path)
    with pytest.raises(RefusedError) as refused:
        read(tmp_path)
    assert refused.value.fields["found"] == "a.csv, b.csv"


def test_the_project_comes_before_its_table(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "v2.2.0-win", tmp_path / "p")
    shutil.copy(CSV / "demo-project-export.csv", tmp_path / "p")
    assert VottV2().recognises(tmp_path / "p")
    assert read(tmp_path / "p").declared


def test_other_peoples_tables(shared: Path) -> None:
    path = shared / "vott" / "datumaro-test-assets" / "vott_csv_dataset_dataset_train-export.csv"
    assert boxes(read(path, None)) == {
        "img0003.jpg": [((6.7, 10.3, 10, 15), ("helmet",)), ((13.7, 20.2, 45.6, 63.6), ("person",))],
        "img0004.jpg": [((1, 2, 2, 4), ("helmet",))],
    }


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
_NUMBER = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)


@given(st.lists(st.tuples(_TEXT, _NUMBER, _NUMBER, _NUMBER, _NUMBER, _TEXT), max_size=6))
@settings(max_examples=40, deadline=None)
def test_every_row_of_a_table_is_in_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float, float, float, float, str]]
) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(rows)
    reading = read(table(tmp_path_factory.mktemp("t"), *text.getvalue().split("\n")), None)
    lost = sum(finding.rule == "damaged-item" for finding in reading.findings)
    labels = sum(len(region.labels) for d in reading.documents for region in d.regions or ())
    assert labels + lost == len(rows)
    wanted = {(float(a), float(b), float(c), float(d)) for _, a, b, c, d, _ in rows}
    found = {(r.points[0] + r.points[1]) for d in reading.documents for r in d.regions or ()}
    assert found <= wanted
    assert lost or found == wanted
