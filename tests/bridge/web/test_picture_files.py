from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge.errors import NotFoundError
from bridge.model.annotation import FileStamp, Image
from bridge.store import images
from bridge.web import pictures
from bridge.web.previews import Previews

NAME = "浴衣 (1).jpg"


def fetch(client: FlaskClient, address: str, **headers: str) -> TestResponse:
    """A whole answer, its file closed."""
    return client.get(address, headers=headers, buffered=True)


def elsewhere(filled: Any, image: Image, path: Path) -> None:
    """Let the store look for a picture in another place."""
    with filled.ws.db.write() as tx:
        images.change(tx, [replace(image, file=FileStamp(str(path), 1, 1))])


def path_of(url: str) -> str:
    split = urlsplit(url)
    return f"{split.path}?{split.query}"


def test_a_thumbnail_is_made_once(person: FlaskClient, filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image as Opened

    address = f"/pictures/{filled.images[NAME]}/thumb"
    first = fetch(person, address)
    assert first.mimetype == "image/jpeg"
    assert Opened.open(io.BytesIO(first.data)).size == (64, 48)
    monkeypatch.setattr("bridge.picture.preview", lambda *_: pytest.fail("made again"))
    again = fetch(person, address, **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_nobody_sees_pictures_without_session_or_signature(client: FlaskClient, filled: Any) -> None:
    for what in ("thumb", "preview", "original"):
        assert fetch(client, f"/pictures/{filled.images[NAME]}/{what}").status_code == 401
    assert fetch(client, f"/pictures/{filled.images[NAME]}/a.jpg").status_code == 403


def test_a_signed_link_opens_one_picture_until_it_expires(client: FlaskClient, filled: Any) -> None:
    url = pictures.sign(filled.ws, filled.images[NAME], 60)
    assert url.startswith(filled.ws.settings.url())
    answer = fetch(client, path_of(url))
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    with filled.ws.db.read() as tx:
        _, image = images.find_id(tx, filled.images[NAME])
    assert image.file is not None
    assert answer.data == Path(image.file.path).read_bytes()
    part = fetch(client, path_of(url), Range="bytes=0-9")
    assert (part.status_code, len(part.data)) == (206, 10)
    other = path_of(url).replace(f"/{filled.images[NAME]}/", f"/{filled.images['空.jpg']}/")
    assert fetch(client, other).status_code == 403
    assert fetch(client, path_of(url).replace("expires=", "expires=9")).status_code == 403
    assert fetch(client, path_of(pictures.sign(filled.ws, filled.images[NAME], -1))).status_code == 403


def test_a_signature_in_other_letters_is_a_wrong_one(client: FlaskClient, filled: Any) -> None:
    for shown in ("%C3%A9", "%ED%A0%80", ""):
        answer = fetch(client, f"/pictures/{filled.images[NAME]}/x.jpg?sig={shown}&expires=99999999999")
        assert answer.status_code == 403
        assert "x.jpg" in answer.text


@pytest.mark.parametrize("number", ["9" * 19, "9" * 20, "9" * 5000])
def test_no_picture_has_a_number_beyond_what_a_store_can_count(person: FlaskClient, number: str) -> None:
    for address in (f"/images/{number}", *(f"/pictures/{number}/{what}" for what in ("thumb", "original", "x.jpg"))):
        assert fetch(person, address).status_code == 404, address


def test_a_picture_that_has_gone_is_named_and_its_kept_copy_taken(
    person: FlaskClient, filled: Any, tmp_path: Path
) -> None:
    with filled.ws.db.read() as tx:
        _, image = images.find_id(tx, filled.images[NAME])
    assert image.file is not None
    place = Path(image.file.path)
    data = place.read_bytes()
    elsewhere(filled, image, tmp_path / "gone.jpg")
    address = f"/pictures/{image.id}/original"
    assert fetch(person, address).status_code == 404
    filled.ws.blobs.put(data)
    assert fetch(person, address).data == data
    assert fetch(person, f"/pictures/{image.id}/thumb").status_code == 200


def test_a_broken_picture_is_no_server_error(person: FlaskClient, filled: Any, tmp_path: Path) -> None:
    with filled.ws.db.read() as tx:
        _, image = images.find_id(tx, filled.images[NAME])
    assert image.file is not None
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xffno picture")
    elsewhere(filled, image, broken)
    assert fetch(person, f"/pictures/{image.id}/thumb").status_code == 422


def test_only_known_ids_lead_to_files(person: FlaskClient, filled: Any) -> None:
    assert fetch(person, "/pictures/99999/original").status_code == 404
    assert fetch(person, "/pictures/..%2f..%2fetc%2fpasswd/original").status_code == 404
    with pytest.raises(NotFoundError):
        pictures.sign(filled.ws, 99999, 60)


def test_the_oldest_previews_make_room(tmp_path: Path, picture: Any) -> None:
    previews = Previews(tmp_path / "previews", most=3)
    kept = [previews.get(picture(f"{n}.jpg"), 32) for n in range(5)]
    assert previews.tidy() == 2
    assert sum(file.is_file() for file in kept) == 3
    assert previews.tidy() == 0
