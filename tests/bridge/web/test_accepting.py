from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge.model.annotation import Box, Region
from bridge.model.prediction import Mark, Prediction
from bridge.store import images, offers, projects, standing
from bridge.store.standing import Standing
from tests.filled import Filled

V1 = "/api/v1"
PICTURE = "未確認.jpg"


@pytest.fixture
def looked(filled: Filled) -> Filled:
    """The filled project, with two boxes of its model on a picture that somebody has looked at in VoTT."""
    author = f"checkpoint:{filled.checkpoint}"
    made = [
        Region.rectangle(Box(5, 5, 31, 29), "浴衣", score=0.9, author=author),
        Region.rectangle(Box(33, 5, 60, 29), "水着", score=0.6, author=author),
    ]
    ids = [Mark(filled.checkpoint, n, "0123abcd").text for n in range(2)]
    marked = tuple(
        Region.rectangle(r.box, *r.labels, region_id=i, author=author) for r, i in zip(made, ids, strict=True) if r.box
    )
    with filled.ws.db.write() as tx:
        [source] = projects.sources(tx, filled.project)
        image = images.find(tx, filled.project, PICTURE)
        assert image.id is not None
        offers.put(
            tx,
            source.id,
            [Prediction(image.id, PICTURE, filled.checkpoint, tuple(made))] * 2,
            projects.labels(tx, filled.project),
        )
        standing.put(tx, source.id, [Standing(source.id, image.id, True, marked)])
    return filled


def told(caller: FlaskClient, path: str) -> Any:
    answer = caller.get(V1 + path)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_api_lists_accepts_and_counts(admin: FlaskClient, looked: Filled) -> None:
    place = f"/projects/{looked.project}"
    shown = told(admin, f"{place}/acceptable")
    assert (shown["images"], shown["boxes"], shown["unseen"]) == ([PICTURE], 2, 0)
    rows = [(row["label"], row["checkpoint"], row["boxes"]) for row in shown["rows"]]
    assert rows == [("水着", looked.checkpoint, 1), ("浴衣", looked.checkpoint, 1)]
    assert told(admin, f"{place}/judged") == {"judged": []}
    changed = admin.post(f"{V1}{place}/accept", json={"shown": "0" * 16})
    assert (changed.status_code, changed.json["rule"]) == (409, "accept-changed")  # type: ignore[index]
    done = admin.post(f"{V1}{place}/accept", json={"shown": shown["digest"]})
    assert done.json == {"pictures": 1, "boxes": 2}
    [judged] = told(admin, f"{place}/judged")["judged"]
    assert (judged["checkpoint"], judged["pictures"]) == (looked.checkpoint, 1)
    assert judged["total"] == {"kept": 2, "moved": 0, "relabelled": 0, "deleted": 0, "added": 0}
    assert {label: counts["kept"] for label, counts in judged["labels"].items()} == {"浴衣": 1, "水着": 1}
    again = admin.post(f"{V1}{place}/accept", json={})
    assert (again.status_code, again.json["rule"]) == (409, "accept-nothing")  # type: ignore[index]
    assert admin.post(f"{V1}{place}/undo").json == {"pictures": 1}
    assert told(admin, f"{place}/acceptable")["images"] == [PICTURE]
    assert told(admin, f"{place}/judged") == {"judged": []}


def test_named_pictures_need_not_be_looked_at(admin: FlaskClient, looked: Filled) -> None:
    place = f"/projects/{looked.project}"
    assert told(admin, f"{place}/acceptable?image={PICTURE}")["images"] == [PICTURE]
    missing = admin.get(f"{V1}{place}/acceptable?image=nothing.jpg")
    assert (missing.status_code, missing.json["rule"]) == (404, "image-missing")  # type: ignore[index]
    bare = admin.post(f"{V1}{place}/accept", json={"images": ["空.jpg"]})
    assert (bare.status_code, bare.json["rule"]) == (422, "accept-nothing-there")  # type: ignore[index]


def test_a_reader_may_look_only(reader: FlaskClient, looked: Filled) -> None:
    place = f"/projects/{looked.project}"
    assert told(reader, f"{place}/acceptable")["boxes"] == 2
    assert reader.post(f"{V1}{place}/accept", json={}).status_code == 403


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_shows_accepts_and_takes_back(person: FlaskClient, looked: Filled, language: str) -> None:
    place = f"/projects/{looked.project}"
    spoken = {"Accept-Language": language}
    assert f"{place}/accept" in person.get(place, headers=spoken).text
    page = person.get(f"{place}/accept", headers=spoken).text
    assert PICTURE in page
    assert not re.search(r">\s*(accept|judged)\.[a-z-]+", page)
    shown = re.search(r'name="shown" value="([0-9a-f]{16})"', page)
    assert shown is not None
    accepted = person.post(f"{place}/accept", data={"csrf": "word", "shown": shown[1]}, headers=spoken)
    assert accepted.status_code == 303
    after = person.get(f"{place}/accept", headers=spoken).text
    assert 'name="shown"' not in after
    assert f"{place}/accept/undo" in after
    assert "100.0 %" in after
    assert "100.0 %" in person.get(place, headers=spoken).text
    assert "100.0 %" in person.get(f"/runs/{looked.done}", headers=spoken).text
    assert person.post(f"{place}/accept/undo", data={"csrf": "word"}).status_code == 303
    assert 'name="shown"' in person.get(f"{place}/accept").text


def test_a_page_that_is_old_accepts_nothing(person: FlaskClient, looked: Filled) -> None:
    place = f"/projects/{looked.project}/accept"
    answer = person.post(place, data={"csrf": "word", "shown": "0" * 16}, follow_redirects=True)
    assert 'name="shown"' in person.get(place).text
    assert answer.status_code in (200, 409)
