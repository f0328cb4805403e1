from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image as Picture

from plugins.sources.label_studio.client import Client
from plugins.sources.label_studio.downloads import Downloads
from tests.paper_studio import TOKEN, PaperStudio


def jpeg(width: int = 40, height: int = 30) -> bytes:
    target = io.BytesIO()
    Picture.new("RGB", (width, height)).save(target, "JPEG")
    return target.getvalue()


def downloads(paper: PaperStudio, folder: Path, *hosts: str) -> Downloads:
    # Under another name than it calls itself in its tasks.
    return Downloads(Client(paper.url.replace("127.0.0.1", "localhost"), TOKEN), folder, frozenset(hosts))


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/data/upload/3/0123abcd-%E7%8A%AC.jpg", "/data/upload/3/0123abcd-%E7%8A%AC.jpg"),
        ("http://label-studio.example/data/local-files/?d=set1/a.jpg", "/data/local-files/"),
    ],
)
def test_its_own_pictures_are_fetched_once_with_the_token(
    paper: PaperStudio, tmp_path: Path, address: str, path: str
) -> None:
    paper.faults[f"GET {path}"] = [(200, jpeg())]
    for _ in range(2):
        image, notes = downloads(paper, tmp_path / "new").bring("12", "犬.jpg", address)
        assert notes == []
        assert (image.name, image.width, image.height) == ("犬.jpg", 40, 30)
        assert image.file is not None
        assert Path(image.file.path).read_bytes() == jpeg()
    [asked] = paper.asked
    assert asked.headers["Authorization"] == f"Token {TOKEN}"
    if "?" in address:
        assert asked.query == {"d": "set1/a.jpg"}


def test_no_other_host_is_asked_unless_a_person_allowed_it(paper: PaperStudio, tmp_path: Path) -> None:
    address = f"{paper.url}/internal/secret.jpg"
    paper.faults["GET /internal/secret.jpg"] = [(200, jpeg())]
    image, [finding] = downloads(paper, tmp_path).bring("12", "a.jpg", address)
    assert (image.file, finding.rule, finding.fields["reason"]) == (None, "not-fetched", "host-not-allowed")
    assert paper.asked == []
    image, notes = downloads(paper, tmp_path, "127.0.0.1").bring("12", "a.jpg", address)
    assert (image.width, notes) == (40, [])
    # But never with the token of Label Studio.
    assert "Authorization" not in paper.asked[0].headers


@pytest.mark.parametrize("address", ["s3://bucket/a.jpg", "file:///etc/passwd", "data:image/png;base64,AAAA", "a.jpg"])
def test_other_kinds_of_addresses_are_not_followed(paper: PaperStudio, tmp_path: Path, address: str) -> None:
    _, [finding] = downloads(paper, tmp_path).bring("12", "a.jpg", address)
    assert finding.fields["reason"] == "host-not-allowed"


def test_a_name_from_outside_is_no_path(paper: PaperStudio, tmp_path: Path) -> None:
    paper.faults["GET /data/upload/3/x"] = [(200, jpeg())]
    image, _ = downloads(paper, tmp_path / "kept").bring("12", "../../etc/x.jpg", "/data/upload/3/x")
    assert image.file is not None
    assert Path(image.file.path).parent == tmp_path / "kept"


def test_what_is_no_picture_is_told_and_the_rest_goes_on(paper: PaperStudio, tmp_path: Path) -> None:
    paper.faults["GET /data/upload/3/x.jpg"] = [(200, b"no picture")]
    image, [finding] = downloads(paper, tmp_path).bring("12", "x.jpg", "/data/upload/3/x.jpg")
    assert (image.file, finding.fields["reason"]) == (None, "picture-unreadable")
    paper.faults["GET /data/upload/3/y.jpg"] = [(404, {"detail": "Not found"})]
    _, [finding] = downloads(paper, tmp_path).bring("13", "y.jpg", "/data/upload/3/y.jpg")
    assert finding.fields["reason"] == "label-studio-missing"


def test_without_a_folder_nothing_is_fetched(paper: PaperStudio) -> None:
    image, notes = Downloads(Client(paper.url, TOKEN), None).bring("12", "a.jpg", "/data/upload/3/a.jpg")
    assert (image.file, notes, paper.asked) == (None, [], [])
