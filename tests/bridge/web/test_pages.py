from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

from bridge import texts
from bridge.model.annotation import Box, Region
from bridge.store import projects, revisions, tokens
from bridge.web import pages
from bridge.workspace import Workspace

TEMPLATES = Path(pages.__file__).parents[1] / "templates"


def addresses(filled: Any) -> list[str]:
    project = f"/projects/{filled.project}"
    return [
        "/",
        project,
        f"{project}/pictures",
        f"{project}/pictures?state=unknown&label=浴衣",
        f"{project}/findings",
        f"{project}/findings?rule=outside",
        f"{project}/train",
        *(f"/images/{image}" for image in filled.images.values()),
        f"/versions/{filled.version}",
        "/runs",
        f"/runs/{filled.done}",
        f"/runs/{filled.failed}",
        f"/runs/{filled.done}/report",
        "/nodes",
        "/plugins",
        "/deliveries",
        "/tokens",
    ]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_page_speaks_one_language_and_names_stay_whole(person: FlaskClient, filled: Any, language: str) -> None:
    for address in addresses(filled):
        answer = person.get(address, headers={"Accept-Language": language})
        assert answer.status_code == 200, address
        assert f'<html lang="{language}">' in answer.text, address
        # A key shown instead of its words, or a field that nobody filled in.
        words = re.sub(r"<(pre|script|style).*?</\1>", "", answer.text, flags=re.S)
        assert not re.search(r">\s*(nav|project|run|picture|step|state|job)\.[a-z-]+", words), address
        assert "http://" not in re.sub(r"http://(127\.0\.0\.1|www\.w3\.org)", "", words), address
    assert "浴衣と水着 &lt;2026&gt;" in person.get("/").text
    assert "浴衣 (1).jpg" in person.get(f"/projects/{filled.project}/pictures").text


def test_no_template_asks_for_words_that_do_not_exist() -> None:
    known = texts.catalogue("en", "pages")
    for template in sorted(TEMPLATES.rglob("*.html")):
        for key in re.findall(r"""\bt\(['"]([a-z.-]+)['"](?=[,)])""", template.read_text("utf-8")):
            assert key in known, f"{template.name}: {key}"


def test_a_chosen_language_stays(person: FlaskClient) -> None:
    assert 'lang="ja"' in person.get("/?lang=ja", headers={"Accept-Language": "en"}).text
    assert 'lang="ja"' in person.get("/nodes", headers={"Accept-Language": "en"}).text
    assert 'lang="en"' in person.get("/nodes?lang=en").text


def test_the_first_page_says_how_to_begin(person: FlaskClient) -> None:
    assert "labelbridge import" in person.get("/").text


def test_the_next_step_leads_on(person: FlaskClient, filled: Any) -> None:
    page = person.get("/").text
    assert f"/runs/{filled.failed}" in page
    with filled.ws.db.write() as tx:
        projects.remove(tx, filled.project)
        projects.create(tx, "空")
    assert (
        "labelbridge import &#34;空&#34;" in person.get("/").text or 'labelbridge import "空"' in person.get("/").text
    )


def test_a_failed_run_says_why_and_what_to_do(person: FlaskClient, filled: Any) -> None:
    page = person.get(f"/runs/{filled.failed}").text
    assert "The memory of a GPU was not enough (CUDA Error)." in page
    assert "Double subdivisions" in page
    assert "out of &lt;memory&gt;" in page


def test_a_picture_page_draws_truth_and_predictions(person: FlaskClient, filled: Any) -> None:
    page = person.get(f"/images/{filled.images['浴衣 (1).jpg']}").text
    assert 'viewBox="0 0 64 48"' in page
    assert "M4.00 4.00L30.00 4.00L30.00 30.00L4.00 30.00Z" in page
    assert "浴衣 87%" in page


def test_pages_and_forms_are_shut_without_a_session(client: FlaskClient, filled: Any) -> None:
    for address in addresses(filled)[1:]:
        assert client.get(address).status_code == 401, address
    assert client.post(f"/projects/{filled.project}/cut").status_code == 401


def test_a_read_session_sees_and_changes_nothing(app: OpenAPI, filled: Any) -> None:
    with filled.ws.db.write() as tx:
        _, secret = tokens.create(tx, "監視", "read")
    viewer = app.test_client()
    viewer.get("/login")
    with viewer.session_transaction() as session:
        session["csrf"] = "word"
    assert viewer.post("/login", data={"csrf": "word", "token": secret}).location == "/"
    with viewer.session_transaction() as session:
        session["csrf"] = "word"
    page = viewer.get(f"/projects/{filled.project}")
    assert page.status_code == 200
    assert "<button>" not in page.text.replace('<button class="plain">', "")
    assert viewer.post(f"/projects/{filled.project}/cut", data={"csrf": "word"}).status_code == 403
    assert viewer.post("/logout", data={"csrf": "word"}).location == "/login"


def test_a_node_token_opens_no_page(client: FlaskClient, filled: Any) -> None:
    with filled.ws.db.write() as tx:
        _, secret = tokens.create(tx, "検査室", "node")
    client.get("/login")
    with client.session_transaction() as session:
        session["csrf"] = "word"
    assert client.post("/login", data={"csrf": "word", "token": secret}).status_code == 401


def send(person: FlaskClient, address: str, **fields: str) -> str:
    """Send a form of a page and give what the next page says."""
    home = "http://localhost/"
    answer = person.post(address, data={"csrf": "word", **fields}, headers={"Referer": home}, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    said = re.search(r'<p class="said[^>]*>(.*?)</p>', answer.text)
    return said.group(1) if said else ""


def test_safe_fixes_from_the_page_and_back(person: FlaskClient, filled: Any) -> None:
    project = f"/projects/{filled.project}"
    assert "mended: 1" in send(person, f"{project}/check", fix="1")
    with filled.ws.db.read() as tx:
        labels = projects.labels(tx, filled.project)
        [head] = revisions.heads(tx, filled.images["はみ出し.jpg"], labels)
    assert (head.source, head.author) == ("fix", "login")
    assert "Taken back" in send(person, f"{project}/undo")
    assert "no change" in send(person, f"{project}/undo")


def test_what_a_form_cannot_do_is_said_on_the_page_it_came_from(person: FlaskClient, filled: Any) -> None:
    with filled.ws.db.write() as tx:
        from bridge.store import nodes

        nodes.remove(tx, "検査室")
    assert "labelbridge up" in send(person, f"/projects/{filled.project}/predict")


def test_findings_older_than_the_labels_are_marked(person: FlaskClient, filled: Any) -> None:
    shown = f"/projects/{filled.project}", f"/projects/{filled.project}/findings"
    mark = "have changed since the last check"
    assert [mark in person.get(address).text for address in shown] == [False, False]
    # Given somebody looks at a picture after the check
    image = filled.images["未確認.jpg"]
    with filled.ws.db.write() as tx:
        labels = projects.labels(tx, filled.project)
        revisions.put(tx, [revisions.Draft(image, (), "e" * 64, "健太", "label-studio")], labels)
    assert [mark in person.get(address).text for address in shown] == [True, True]
    assert "Checked" in send(person, f"{shown[0]}/check")
    assert [mark in person.get(address).text for address in shown] == [False, False]


def test_a_conflict_alone_does_not_make_findings_old(person: FlaskClient, filled: Any) -> None:
    # Given two people label a picture without knowing of each other
    image = filled.images["未確認.jpg"]
    with filled.ws.db.write() as tx:
        labels = projects.labels(tx, filled.project)
        for who, digest in (("健太", "e" * 64), ("愛子", "f" * 64)):
            revisions.put(tx, [revisions.Draft(image, (), digest, who, "label-studio")], labels)
        assert len(revisions.heads(tx, image, labels)) == 2
    send(person, f"/projects/{filled.project}/check")
    assert "have changed since" not in person.get(f"/projects/{filled.project}").text


def test_freezing_twice_says_that_nothing_changed(person: FlaskClient, filled: Any) -> None:
    first = send(person, f"/projects/{filled.project}/cut")
    assert "Frozen" in first or "Nothing has changed" in first
    assert "Nothing has changed" in send(person, f"/projects/{filled.project}/cut")


def test_deliveries_tokens_and_nodes_from_their_pages(person: FlaskClient, filled: Any) -> None:
    assert "/撮影/b.json" in send(person, f"/deliveries/{filled.delivery}/resume", order="ntfs")
    assert "Put aside" in send(person, f"/deliveries/{filled.delivery}/dismiss")
    made = person.post("/tokens", data={"csrf": "word", "name": "監視", "role": "read"}).text
    secret = re.search(r'id="secret">(lb_[^<]+)<', made)
    assert secret is not None
    assert secret.group(1) not in person.get("/tokens").text
    with filled.ws.db.read() as tx:
        [token] = [token for token in tokens.listing(tx) if token.name == "監視"]
    assert "useless" in send(person, f"/tokens/{token.id}/revoke")
    assert "takes no new training" in send(person, "/nodes/検査室/drain")
    assert "takes training again" in send(person, "/nodes/検査室/undrain")


def test_projects_are_made_and_checkpoints_chosen(person: FlaskClient, filled: Any) -> None:
    assert "新しい" in send(person, "/projects", name="新しい")
    assert "100" in send(person, f"/projects/{filled.project}/promote", checkpoint=filled.checkpoint)
    with filled.ws.db.read() as tx:
        assert projects.published(tx, filled.project) == filled.checkpoint


def test_a_conflict_is_settled_by_a_person(person: FlaskClient, filled: Any) -> None:
    image = filled.images["浴衣 (1).jpg"]
    with filled.ws.db.write() as tx:
        labels = projects.labels(tx, filled.project)
        [head] = revisions.heads(tx, image, labels)
        other = revisions.Draft(image, head.regions[:1], "f" * 64, "健太", "label-studio", base=head.id)
        [second] = revisions.put(tx, [other], labels)
    assert "健太" in person.get(f"/images/{image}").text
    assert f"/images/{image}" in person.get(f"/projects/{filled.project}/pictures?state=conflict").text
    assert "settled" in send(person, f"/images/{image}/resolve", keep=str(second))
    with filled.ws.db.read() as tx:
        [now] = revisions.heads(tx, image, labels)
        assert (now.regions, now.source, now.author) == (head.regions[:1], "resolve", "login")
        assert len(revisions.history(tx, image, labels)) == 3
    assert "no conflict" in send(person, f"/images/{image}/resolve", keep=str(second))


def test_a_login_link_for_another_device(person: FlaskClient, app: OpenAPI) -> None:
    page = person.post("/login-links", data={"csrf": "word"}).text
    link = re.search(r'id="secret">[^<]*(/login\?token=[^<]+)<', page)
    assert link is not None
    other = app.test_client()
    assert other.get(link.group(1)).location == "/"
    assert other.get("/nodes").status_code == 200


def test_a_training_is_planned_before_it_starts(person: FlaskClient, filled: Any) -> None:
    from bridge.store import runs

    place = f"/projects/{filled.project}"
    # Given boxes enough for six anchors
    boxes = tuple(Region.rectangle(Box(1, 1, 6 + 5 * n, 8 + 4 * n), "浴衣") for n in range(9))
    with filled.ws.db.write() as tx:
        labels = projects.labels(tx, filled.project)
        for name in ("浴衣 (1).jpg", "はみ出し.jpg", "空.jpg"):
            [head] = revisions.heads(tx, filled.images[name], labels)
            revisions.put(tx, [revisions.Draft(head.image_id, boxes, name, "愛子", "x", (head.id,))], labels)
    send(person, f"{place}/cut")
    # When a training is planned, then nothing has started
    plan = person.post(f"{place}/plan", data={"csrf": "word", "template": "yolov4-tiny", "size": "320"}).text
    assert "320 × 320" in plan
    assert "width=320" in plan
    assert "Average IoU with the anchors of yolov4-tiny" in plan
    assert "as darknet calculates them" in plan
    with filled.ws.db.read() as tx:
        assert len(runs.listing(tx, filled.project)) == 2
    assert "as soon as a node is free" in send(person, f"{place}/train", template="yolov4-tiny", size="320")
    with filled.ws.db.read() as tx:
        newest = runs.listing(tx, filled.project)[0]
    assert (newest.recipe.width, newest.state) == (320, "queued")
    assert "no number for size" in send(person, f"{place}/plan", size="wide")


def test_the_networks_to_choose_from_are_those_that_can_be_planned(person: FlaskClient, filled: Any) -> None:
    page = person.get(f"/projects/{filled.project}/train").text
    choice = re.search(r'<select name="template">(.*?)</select>', page)
    assert choice is not None
    assert re.findall(r"<option[^>]*>([^<]+)", choice[1]) == [
        "The one that suits the node",
        *filled.ws.registry.engine("darknet").templates,
    ]
    assert 'value=""' in choice[1]


def test_a_look_at_where_a_login_link_leads_does_not_spend_it(app: OpenAPI, filled: Any) -> None:
    from bridge.web import auth

    path = auth.login_link(filled.ws).partition("8765")[2]
    visitor = app.test_client()
    assert visitor.head(path).status_code == 200
    assert visitor.get(path).location == "/"


def test_runs_are_stopped_and_go_on(person: FlaskClient, filled: Any) -> None:
    from bridge.store import runs

    assert "goes on" in send(person, f"/runs/{filled.failed}/resume")
    assert "asked to stop" in send(person, f"/runs/{filled.failed}/cancel")
    with filled.ws.db.read() as tx:
        assert runs.find(tx, filled.failed).state == "cancelled"
    assert "done" in send(person, f"/runs/{filled.done}/resume").lower()


def test_either_store_serves_the_same_pages(workspace: Workspace, one_app: OpenAPI, tmp_path: Path) -> None:
    from urllib.parse import urlsplit

    from bridge.web import auth
    from tests.filled import fill

    one_app.extensions["workspace"] = workspace
    there = fill(workspace, tmp_path / "撮影")
    visitor = one_app.test_client()
    link = urlsplit(auth.login_link(workspace))
    visitor.get(f"{link.path}?{link.query}")
    for address in (*addresses(there), f"/projects/{there.project}/pictures?rule=outside&search=はみ"):
        assert visitor.get(address).status_code == 200, address
    assert "はみ出し.jpg" in visitor.get(f"/projects/{there.project}/pictures?rule=outside&search=はみ").text


def test_a_conflict_is_shown_side_by_side_and_settled(person: FlaskClient, filled: Any) -> None:
    image = filled.images["未確認.jpg"]
    was = Region.rectangle(Box(4, 4, 20, 20), "浴衣", region_id="r")
    moved, relabelled = replace(was, points=((4, 14), (20, 30))), replace(was, labels=("水着",))
    with filled.ws.db.write() as tx:
        labels = projects.labels(tx, filled.project)
        [base] = revisions.put(tx, [revisions.Draft(image, (was,), "e" * 64, "愛子", "vott-v2")], labels)
        [first] = revisions.put(tx, [revisions.Draft(image, (moved,), "f" * 64, "愛子", "vott-v2", (base,))], labels)
        other = revisions.Draft(image, (relabelled,), "0" * 64, "健太", "label-studio", base=base)
        [second] = revisions.put(tx, [other], labels)
    page = person.get(f"/images/{image}", headers={"Accept-Language": "en"}).text
    left, right = (re.search(rf'<figure id="head-{head}">.*?</figure>', page, re.S) for head in (first, second))
    assert left is not None
    assert right is not None
    # What was before, what is now, and both in words.
    assert "M4.00 4.00L20.00 4.00" in left[0]
    assert "M4.00 14.00L20.00 14.00" in left[0]
    assert re.search(r"moved</span> <strong>浴衣</strong> 4, 14 · 16 × 16 <span[^>]*>← 4, 4 · 16 × 16", left[0])
    assert re.search(r"relabelled</span> <strong>水着</strong> .*← 浴衣", right[0])
    assert "settled" in send(person, f"/images/{image}/resolve", keep="both")
    with filled.ws.db.read() as tx:
        [head] = revisions.heads(tx, image, labels)
    assert [(r.points, r.labels) for r in head.regions] == [(((4, 14), (20, 30)), ("水着",))]
    assert "head-" not in person.get(f"/images/{image}").text
