"""The page of one delivery: both readings side by side, and a choice."""

from __future__ import annotations

import io
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI
from PIL import Image
from werkzeug.test import TestResponse

from bridge import texts
from bridge.errors import RefusedError
from bridge.loop.intake import IntakeOptions, import_path
from bridge.loop.readings import Comparisons
from bridge.model.dataset import Reading
from bridge.model.delivery import Delivery, DeliveryState
from bridge.plugin import Format, ReadOptions
from bridge.store import deliveries, projects, revisions, tokens
from bridge.workspace import Workspace
from tests.bridge.web.conftest import caller
from tests.untold import draw_untold, region

# 30 pictures, each of another place in the two orders.
MANY = tuple(name for n in range(15) for name in (f"a{n:02}.jpg", f"Z{n:02}.jpg"))


def refuse(ws: Workspace, path: Path, project: str = "浴衣") -> int:
    with pytest.raises(RefusedError) as caught:
        import_path(ws, project, path, IntakeOptions())
    return int(caught.value.fields["delivery"])


def find(ws: Workspace, number: int) -> Delivery:
    with ws.db.read() as tx:
        return deliveries.find(tx, number)


def send(person: FlaskClient, address: str, **fields: str) -> str:
    """Send a form and give what the next page says, and where that is."""
    home = "http://localhost" + address.rpartition("/")[0]
    answer = person.post(address, data={"csrf": "word", **fields}, headers={"Referer": home}, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    said = re.search(r'<p class="said[^>]*>(.*?)</p>', answer.text)
    return f"{answer.request.path} {said.group(1) if said else ''}"


def pictures(page: str) -> list[str]:
    return re.findall(r'src="(/deliveries/[^"]+)"', page)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_both_readings_stand_side_by_side(
    person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path, language: str
) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    page = person.get(f"/deliveries/{number}", headers={"Accept-Language": language}).text
    # At place 0 Windows means a1.jpg, Linux B.jpg; the box is drawn on both, in the label's own colour.
    first = page[page.index('class="reading"') :].partition("</article>")[0]
    assert re.findall(r'<span class="file">(.*?)</span>', first) == ["a1.jpg", "B.jpg"]
    assert first.count("M8.00 12.00L24.00 12.00L24.00 36.00L8.00 36.00Z") == 4
    assert "#00ff00" in first
    assert "帯" in first
    assert page.count('class="reading"') == 4
    assert not re.search(r"\{\w+\}|decision\.[a-z]", page)
    # What it offers: each candidate, and any other order.
    assert re.findall(r'name="order" value="(\w+)"', page)[:2] == ["ntfs", "bytes"]


def test_the_pictures_are_those_that_the_orders_mean(
    person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path
) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    for key, name in (("ntfs", "a1.jpg"), ("bytes", "B.jpg")):
        with person.get(f"/deliveries/{number}/pictures/0/{key}") as answer:
            assert answer.mimetype == "image/jpeg"
            shown = corner(io.BytesIO(answer.data))
        wanted = corner(tmp_path / "images" / name)
        assert all(abs(a - b) < 12 for a, b in zip(shown, wanted, strict=True))


def corner(picture: Path | io.BytesIO) -> tuple[int, ...]:
    with Image.open(picture) as found:
        return tuple(found.convert("RGB").crop((0, 0, 1, 1)).tobytes())


@pytest.mark.parametrize("wrong", ["0/..", "0/%2e%2e%2fimages.json", "99/ntfs", "0/created-x", "0/a1.jpg", "-1/ntfs"])
def test_no_other_file_can_be_asked_for(
    person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path, wrong: str
) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    assert person.get(f"/deliveries/{number}/pictures/{wrong}").status_code == 404


def test_it_is_shut_without_a_session(client: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    for address in (f"/deliveries/{number}", f"/deliveries/{number}/pictures/0/ntfs"):
        assert client.get(address).status_code == 401


def test_hundreds_of_places_come_page_by_page(person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path, names=MANY, count=30))
    places: list[int] = []
    address: str | None = f"/deliveries/{number}"
    while address:
        page = person.get(address).text
        shown = pictures(page)
        assert len(shown) <= 24
        places += sorted({int(src.split("/")[4]) for src in shown})
        after = re.search(r'rel="next" href="([^"]+)"', page)
        address = after.group(1).partition("#")[0].replace("&amp;", "&") if after else None
    assert places == sorted(set(places))
    assert len(places) > 24
    assert 'rel="prev"' in page
    assert person.get(f"/deliveries/{number}?after=999999").status_code == 200


def test_one_reading_serves_all_pictures(
    person: FlaskClient, app: OpenAPI, sqlite_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw_untold(tmp_path)
    number = refuse(sqlite_workspace, path)
    reader = type(sqlite_workspace.registry.format("vott-v1"))
    read, calls = reader.read, list[Path]()

    def counted(self: Format, path: Path, options: ReadOptions) -> Reading:
        calls.append(path)
        return read(self, path, options)

    monkeypatch.setattr(reader, "read", counted)
    app.extensions["comparisons"] = Comparisons()
    for src in pictures(person.get(f"/deliveries/{number}").text):
        with person.get(src) as answer:
            assert answer.status_code == 200
    once = len(calls)
    assert person.get(f"/deliveries/{number}").status_code == 200
    assert len(calls) == once <= 4
    # A picture more in the folder, and it is read anew.
    late = tmp_path / "images" / "0.jpg"
    late.write_bytes((tmp_path / "images" / "B.jpg").read_bytes())
    os.utime(late, (time.time() + 60, time.time() + 60))
    assert "0.jpg" in person.get(f"/deliveries/{number}").text
    assert len(calls) > once


def test_choosing_imports_and_leads_to_the_project(
    person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path
) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    assert f"/deliveries/{number}" in person.get("/").text
    said = send(person, f"/deliveries/{number}/resume", order="bytes")
    with sqlite_workspace.db.read() as tx:
        project = projects.find(tx, "浴衣")
        [entry] = [e for e in tokens.recorded(tx, project.id) if e["what"] == "resume"]
    assert said == f"/projects/{project.id} Imported. Pictures: 5."
    assert (entry["who"], entry["fields"]["order"], entry["fields"]["delivery"]) == ("login", "bytes", number)
    assert find(sqlite_workspace, number).state is DeliveryState.DONE
    # Its page tells what became of it, and offers nothing any more.
    page = person.get(f"/deliveries/{number}").text
    assert "Decided by login" in page
    assert "resume" not in page
    assert "nothing to decide" in send(person, f"/deliveries/{number}/resume", order="ntfs")


def test_refused_again_it_stays_and_says_what_is_wrong_now(
    person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path
) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    for name in ("B.jpg", "浴衣.jpg"):
        (tmp_path / "images" / name).rename(tmp_path / name)
    said = send(person, f"/deliveries/{number}/resume", order="ntfs")
    assert said.startswith(f"/deliveries/{number} It is still refused")
    assert "only 3 are in" in person.get(f"/deliveries/{number}").text
    with sqlite_workspace.db.read() as tx:
        assert [d.id for d in deliveries.listing(tx, state=DeliveryState.WAITING)] == [number]
    for name in ("B.jpg", "浴衣.jpg"):
        (tmp_path / name).rename(tmp_path / "images" / name)
    assert "Imported" in send(person, f"/deliveries/{number}/resume", order="ntfs")


def test_evidence_that_is_gone_is_said_in_words(
    person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path
) -> None:
    path = draw_untold(tmp_path)
    number = refuse(sqlite_workspace, path)
    assert person.get(f"/deliveries/{number}").status_code == 200
    path.rename(tmp_path / "aside.json")
    page = person.get(f"/deliveries/{number}")
    assert page.status_code == 200
    assert str(path) in page.text
    assert "when that is put right" in page.text
    assert person.get(f"/deliveries/{number}/pictures/0/ntfs").status_code == 404
    assert f"/deliveries/{number}" in send(person, f"/deliveries/{number}/resume", order="ntfs")
    path.write_text("{", "utf-8")
    assert person.get(f"/deliveries/{number}").status_code == 200


def test_pictures_that_came_later_are_left_out_by_a_choice(
    person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path
) -> None:
    path = draw_untold(tmp_path)
    now = time.time()
    for age, name in enumerate(sorted((tmp_path / "images").iterdir()), 1):
        os.utime(name, (now - 100 * age, now - 100 * age))
    os.utime(path, (now - 50, now - 50))
    (tmp_path / "images" / "0-new.jpg").write_bytes((tmp_path / "images" / "B.jpg").read_bytes())
    number = refuse(sqlite_workspace, path)
    page = person.get(f"/deliveries/{number}").text
    assert "without pictures newer than the project file" in page
    # Counted, it would be the first of all, and every box would lie one picture too far.
    assert 'name="leave_newer" value="1"' in page
    assert f"/deliveries/{number}/pictures/0/ntfs-without-newer" in page
    send(person, f"/deliveries/{number}/resume", order="ntfs", leave_newer="1")
    with sqlite_workspace.db.read() as tx:
        project = projects.find(tx, "浴衣")
        found = [c.document for c in revisions.current(tx, project.id, project.labels)]
    assert {d.image.name for d in found if d.regions} == {"a1.jpg", "a_1.jpg", "B.jpg", "Z_9.jpg"}


def test_a_refusal_that_no_order_settles_offers_none(
    person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4.json"
    path.write_text(json.dumps({"frames": {"1": [region((64, 48), 0)]}, "framerate": "", "inputTags": "帯"}), "utf-8")
    number = refuse(sqlite_workspace, path)
    page = person.get(f"/deliveries/{number}").text
    assert str(path) in page
    assert 'name="order"' not in page
    assert "It is still refused" in send(person, f"/deliveries/{number}/resume")
    # Mended in the tool, it can be read, and the page says so.
    path.write_text(path.read_text("utf-8").replace('"framerate": ""', '"framerate": "1"'), "utf-8")
    assert "Nothing stands in the way" in person.get(f"/deliveries/{number}").text
    assert "Imported" in send(person, f"/deliveries/{number}/resume")


def test_a_read_session_sees_it_and_decides_nothing(app: OpenAPI, sqlite_workspace: Workspace, tmp_path: Path) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    with sqlite_workspace.db.write() as tx:
        _, secret = tokens.create(tx, "監視", "read")
    viewer = app.test_client()
    viewer.get("/login")
    for _ in range(2):
        with viewer.session_transaction() as session:
            session["csrf"] = "word"
        viewer.post("/login", data={"csrf": "word", "token": secret})
    page = viewer.get(f"/deliveries/{number}")
    assert page.status_code == 200
    assert pictures(page.text)
    assert "resume" not in page.text
    assert viewer.post(f"/deliveries/{number}/resume", data={"csrf": "word", "order": "ntfs"}).status_code == 403


def test_a_project_says_that_something_waits(person: FlaskClient, sqlite_workspace: Workspace, tmp_path: Path) -> None:
    with sqlite_workspace.db.write() as tx:
        project = projects.create(tx, "浴衣")
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    page = person.get(f"/projects/{project.id}").text
    assert f'href="/deliveries/{number}"' in page
    send(person, f"/deliveries/{number}/dismiss")
    assert f'href="/deliveries/{number}"' not in person.get(f"/projects/{project.id}").text
    assert "Put aside by login" in person.get(f"/deliveries/{number}").text


def test_programs_decide_too(app: OpenAPI, sqlite_workspace: Workspace, tmp_path: Path) -> None:
    number = refuse(sqlite_workspace, draw_untold(tmp_path))
    admin = caller(app, "admin")
    place = f"/api/v1/deliveries/{number}/resume"
    again = admin.post(place, json={})
    assert (again.status_code, body(again)["fields"]["delivery"]) == (409, number)
    assert admin.post(place, json={"order": "upside-down"}).status_code == 422
    done = admin.post(place, json={"order": "ntfs"})
    assert done.status_code == 200
    assert (body(done)["outcome"]["order"], body(done)["outcome"]["who"]) == ("ntfs", "愛子")


def body(answer: TestResponse) -> Any:
    return answer.json
