from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge.plugin import ReadOptions, WriteOptions
from bridge.texts import render
from plugins.formats.vott2 import VottV2
from plugins.formats.vott2.sealed import decrypt, unseal
from tests.plugins.formats.roundtrip import contents, dataset_of, rules

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"
KEYS = FIXTURES.parent / "vott_keys"
TOKEN = KEYS / "security_token.json"
KEY = json.loads(TOKEN.read_text("utf-8"))["key"]
OTHER_KEY = "A" * 43 + "="
VECTORS: list[dict[str, Any]] = json.loads((KEYS / "crypto_vectors.json").read_text("utf-8"))
# The folder of the pictures as it was when each project was made.
SEALED = {
    "v2.2.0-posix": "/home/annot/vott/images",
    "v2.2.0-win": "C:\\vott\\プロジェクト\\images",
    "v2.1.0-posix": "/home/annot/vott/images",
    "master-enc-absolute-posix": "/home/annot/vott/images",
}


def content(name: str) -> dict[str, Any]:
    return dict(json.loads((FIXTURES / name / "demo project.vott").read_text("utf-8")))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["key"][:6])
def test_what_vott_encrypted_is_read_with_its_key(vector: dict[str, Any]) -> None:
    import base64

    assert decrypt(vector["encrypted"], base64.b64decode(vector["key"])) == vector["plain"]


@pytest.mark.parametrize("token", [KEY, str(TOKEN), f" {KEY}\n"])
@pytest.mark.parametrize("name", SEALED)
def test_a_key_or_its_file_opens_every_version(name: str, token: str) -> None:
    opened = unseal(content(name), token)
    assert opened.findings == ()
    assert opened.options["sourceConnection"]["folderPath"] == SEALED[name]
    assert set(opened.options) == {"sourceConnection", "targetConnection"}


def test_of_several_tokens_in_a_file_the_right_one_is_found(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    entries = [{"name": "other", "key": OTHER_KEY}, {"name": "demo Token", "key": KEY}, {"name": "x"}, 3]
    path.write_text(json.dumps(entries))
    assert unseal(content("v2.2.0-win"), str(path)).options["sourceConnection"]["folderPath"] == SEALED["v2.2.0-win"]


@pytest.mark.parametrize(
    ("token", "case"),
    [
        (OTHER_KEY, None),
        ("MTIzNA==", "unusable"),
        ("no key at all", "unusable"),
        ("x" * 5000, "unusable"),
        ("nul\0", "unusable"),
        (str(FIXTURES / "asset_id_vectors.jsonl"), "unusable"),
    ],
)
def test_a_wrong_key_is_told_and_reading_goes_on_without(token: str, case: str | None) -> None:
    plain = VottV2().read(FIXTURES / "v2.2.0-win", ReadOptions())
    reading = VottV2().read(FIXTURES / "v2.2.0-win", ReadOptions(security_token=token))
    assert contents(reading.documents) == contents(plain.documents)
    (told,) = [f for f in reading.findings if f.rule == "vott-key"]
    assert told.fields.get("case") == case
    assert "demo Token" in render("findings", told.rule, told.fields)
    assert "demo Token" in render("findings", told.rule, told.fields, "ja")
    assert token not in repr(told)


def test_without_the_package_labels_are_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith("cryptography.hazmat.primitives")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers", None)
    opened = unseal(content("v2.2.0-win"), KEY)
    assert (opened.options, [f.fields["case"] for f in opened.findings]) == ({}, ["package"])


def test_a_plain_project_needs_no_key_and_a_wrong_one_says_nothing() -> None:
    reading = VottV2().read(FIXTURES / "master-plain-relative-win", ReadOptions(security_token=OTHER_KEY))
    assert "vott-key" not in rules(reading.findings)


@pytest.mark.parametrize("sealed", ["", "AAAA", "e30=", "W10=", "bnVsbA==", 5, {}])
def test_what_only_looks_encrypted_stays_closed(sealed: Any) -> None:
    broken = {"sourceConnection": {"providerOptions": {"encrypted": sealed}}}
    assert unseal(broken, KEY).options == {}


@pytest.mark.parametrize("name", SEALED)
def test_the_encrypted_text_is_written_to_the_byte_and_nothing_of_it_in_plain(name: str, tmp_path: Path) -> None:
    reading = VottV2().read(FIXTURES / name, ReadOptions(security_token=KEY))
    dataset = dataset_of(reading)
    assert KEY not in repr(dataset)
    assert "folderPath" not in json.dumps(dataset.extra)
    VottV2().write(dataset, tmp_path, WriteOptions(pictures="none"))
    written = (tmp_path / "demo project.vott").read_bytes()
    assert written == (FIXTURES / name / "demo project.vott").read_bytes()


def test_a_key_is_in_no_text_of_the_options() -> None:
    assert KEY not in repr(ReadOptions(security_token=KEY))


def test_the_source_folder_makes_relative_paths_and_names_exact(tmp_path: Path) -> None:
    # A build that is relative to its source folder, all of its pictures so far in one folder below it.
    folder = tmp_path / "project"
    shutil.copytree(FIXTURES / "v2.2.0-posix", folder)
    found = content("v2.2.0-posix")
    for asset in found["assets"].values():
        asset["path"] = asset["path"].replace("file:/home/annot/vott/images/", "file:set%201/")
    (folder / "demo project.vott").write_text(json.dumps(found))
    closed = {d.image.name for d in VottV2().read(folder, ReadOptions()).documents}
    opened = {d.image.name for d in VottV2().read(folder, ReadOptions(security_token=KEY)).documents}
    assert "apple.jpg" in closed
    assert "set 1/apple.jpg" in opened
    missing = next(
        d for d in VottV2().read(folder, ReadOptions(security_token=KEY)).documents if "clip" in d.image.name
    )
    assert missing.image.name.startswith("set 1/clip.mp4#t=")
