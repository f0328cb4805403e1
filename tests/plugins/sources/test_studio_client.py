from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bridge.errors import AccessError, BridgeError, InputError, MissingPartError, NotFoundError, UnreachableError
from plugins.sources.label_studio import client as client_module
from plugins.sources.label_studio.client import Client
from tests.paper_studio import PERSONAL, TOKEN, PaperStudio

WHO = "/api/current-user/whoami"


def test_a_legacy_token_goes_along_as_it_is(paper: PaperStudio) -> None:
    assert Client(paper.url + "/", TOKEN).get(WHO)["id"] == 7
    assert paper.asked[-1].headers["Authorization"] == f"Token {TOKEN}"


def test_an_entry_in_netrc_does_not_replace_the_token(
    paper: PaperStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert Client(paper.url, TOKEN).get(WHO)["id"] == 7


def test_a_personal_token_buys_access_and_buys_again(paper: PaperStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(paper.url, PERSONAL)
    client.get(WHO)
    client.get(WHO)
    assert paper.count("POST", "/api/token/refresh/") == 1
    # Early: the server has forgotten it.
    paper.access.clear()
    client.get(WHO)
    assert paper.count("POST", "/api/token/refresh/") == 2
    # In time: it would run out on the way.
    monkeypatch.setattr(client_module, "_ACCESS_SECONDS", -1.0)
    client.get(WHO)
    assert paper.count("POST", "/api/token/refresh/") == 3


@pytest.mark.parametrize("token", ["b" * 40, "eyJh.eyJi.old"])
def test_a_wrong_token_is_refused_by_name(paper: PaperStudio, token: str) -> None:
    with pytest.raises(AccessError, match="label-studio-token-refused"):
        Client(paper.url, token).get(WHO)


@pytest.mark.parametrize(
    ("status", "kind", "rule"),
    [
        (400, InputError, "label-studio-refused"),
        (403, AccessError, "label-studio-forbidden"),
        (404, NotFoundError, "label-studio-missing"),
        (409, InputError, "label-studio-refused"),
        (500, UnreachableError, "label-studio-failed"),
        (503, UnreachableError, "label-studio-failed"),
    ],
)
def test_refusals_have_names(paper: PaperStudio, status: int, kind: type[BridgeError], rule: str) -> None:
    paper.faults["POST /api/x/"] = [(status, {"detail": "no", "validation_errors": {"title": ["too short"]}})]
    with pytest.raises(kind) as caught:
        Client(paper.url, TOKEN).post("/api/x/", {})
    assert caught.value.rule == rule
    assert caught.value.fields["detail"] == "no; title: too short"


def test_its_own_block_of_our_address_is_told_apart(paper: PaperStudio) -> None:
    detail = "URL resolves to a reserved network address (block: 127.0.0.0/8)"
    paper.faults["POST /api/webhooks/"] = [(403, {"detail": detail})]
    with pytest.raises(MissingPartError, match="label-studio-blocks-address"):
        Client(paper.url, TOKEN).post("/api/webhooks/", {})


def test_a_page_of_html_is_not_repeated_in_the_error(paper: PaperStudio) -> None:
    paper.faults["POST /api/x/"] = [(404, b"<!doctype html>" + b"x" * 200_000)]
    with pytest.raises(NotFoundError) as caught:
        Client(paper.url, TOKEN).post("/api/x/", {})
    assert caught.value.fields["detail"] == ""


def test_questions_are_asked_again_but_nothing_is_made_twice(paper: PaperStudio) -> None:
    paper.faults[f"GET {WHO}"] = [(503, {"detail": "busy"}), (503, {"detail": "busy"})]
    assert Client(paper.url, TOKEN).get(WHO)["id"] == 7
    assert paper.count("GET", WHO) == 3
    paper.faults["POST /api/projects/"] = [(503, {"detail": "busy"})]
    with pytest.raises(UnreachableError):
        Client(paper.url, TOKEN).post("/api/projects/", {"title": "x", "label_config": ""})
    assert paper.count("POST", "/api/projects/") == 1


def test_the_token_never_follows_a_redirect(paper: PaperStudio) -> None:
    paper.faults[f"GET {WHO}"] = [(302, b"http://elsewhere.test/")]
    with pytest.raises(InputError) as caught:
        Client(paper.url, TOKEN).get(WHO)
    assert (caught.value.rule, caught.value.fields["to"]) == ("label-studio-redirects", "http://elsewhere.test/")


def test_what_is_no_label_studio_is_told(paper: PaperStudio) -> None:
    paper.faults[f"GET {WHO}"] = [(200, b"<html>Please log in</html>")]
    with pytest.raises(InputError, match="label-studio-answer"):
        Client(paper.url, TOKEN).get(WHO)


def test_an_answer_without_end_is_not_read_to_the_end(paper: PaperStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_MOST_BYTES", 1000)
    paper.faults[f"GET {WHO}"] = [(200, b"[" + b"1," * 1000 + b"1]")]
    with pytest.raises(InputError, match="label-studio-too-much"):
        Client(paper.url, TOKEN).get(WHO)


def test_nobody_there_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(UnreachableError, match="Connection refused"):
        Client(url, TOKEN).post("/api/x/", {})
