from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI
from werkzeug.test import TestResponse

from bridge.store import deliveries, projects, tokens

V1 = "/api/v1"


def body(answer: TestResponse, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] | None = answer.json
    assert found is not None
    return found


def problem(answer: TestResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    found = body(answer, answer.status_code)
    assert found["status"] == answer.status_code
    assert found["detail"]
    return answer.status_code, found["rule"]


def test_the_description_is_valid_and_names_every_refusal(client: FlaskClient) -> None:
    from openapi_spec_validator import validate

    spec = body(client.get(f"{V1}/openapi.json"))
    validate(spec)
    for path, methods in spec["paths"].items():
        for operation in methods.values():
            assert operation["security"] == [{"bearer": []}], path
            assert "application/problem+json" in operation["responses"]["401"]["content"], path
            assert operation["summary"], path


def test_every_view_below_the_prefix_names_its_roles(app: OpenAPI) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(V1) and rule.endpoint != "openapi":
            assert getattr(app.view_functions[rule.endpoint], "roles", None), rule.rule


@pytest.mark.parametrize("role", ["reader", "node"])
def test_only_admins_change_things(role: str, request: pytest.FixtureRequest) -> None:
    caller: FlaskClient = request.getfixturevalue(role)
    assert problem(caller.post(f"{V1}/projects", json={"name": "x"})) == (403, "right-missing")
    # Whoever may not come in learns nothing about what is wanted there.
    assert problem(caller.post(f"{V1}/projects", data="{")) == (403, "right-missing")


def test_a_project_comes_and_goes_and_the_ledger_names_the_token(admin: FlaskClient, app: OpenAPI) -> None:
    made = body(admin.post(f"{V1}/projects", json={"name": "水着"}), 201)
    assert body(admin.get(f"{V1}/projects/水着"))["id"] == made["id"]
    assert problem(admin.post(f"{V1}/projects", json={"name": "水着"})) == (409, "project-exists")
    assert admin.delete(f"{V1}/projects/{made['id']}").status_code == 204
    assert problem(admin.get(f"{V1}/projects/水着")) == (404, "project-missing")
    with app.extensions["workspace"].db.read() as tx:
        assert {(entry["who"], entry["what"]) for entry in tokens.recorded(tx)} == {
            ("愛子", "create"),
            ("愛子", "remove"),
        }


@pytest.mark.parametrize(
    ("sent", "kind"),
    [({"name": "x", "nome": 1}, None), ({"name": " "}, None), (None, "application/json"), ({}, None), ([1], None)],
)
def test_bodies_that_do_not_fit_are_named(admin: FlaskClient, sent: Any, kind: str | None) -> None:
    answer = admin.post(f"{V1}/projects", data="{" if sent is None else None, json=sent, content_type=kind)
    assert problem(answer) == (422, "request-invalid")
    assert body(admin.get(f"{V1}/projects"))["items"] == []


@pytest.mark.parametrize("sent", ["[" * 100_000, '{"name":' * 5000 + "1" + "}" * 5000])
def test_bodies_that_nest_too_deep_are_refused(admin: FlaskClient, sent: str) -> None:
    answer = admin.post(f"{V1}/projects", data=sent, content_type="application/json")
    assert problem(answer) == (422, "json-too-deep")
    said = '{"name": "検査室", "engine": {"darknet": ' + sent
    assert problem(admin.post(f"{V1}/work/node", data=said.encode())) == (422, "request-invalid")


@pytest.mark.parametrize("ids", ["9" * 20, "9" * 5000, "-1", "x"])
def test_a_node_cannot_ask_for_impossible_pictures(node: FlaskClient, filled: Any, ids: str) -> None:
    answer = node.get(f"{V1}/work/pictures?project={filled.project}&ids={ids}")
    assert problem(answer) == (422, "request-invalid")


def test_lists_are_walked_by_cursor(admin: FlaskClient, app: OpenAPI) -> None:
    with app.extensions["workspace"].db.write() as tx:
        names = [projects.create(tx, f"p{n}").name for n in range(7)]
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = body(admin.get(f"{V1}/projects", query_string={"limit": 3} | ({"cursor": cursor} if cursor else {})))
        seen += [project["name"] for project in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert (seen, pages) == (names, 3)
    assert problem(admin.get(f"{V1}/projects?cursor=zz")) == (422, "request-invalid")


def test_a_whole_project(reader: FlaskClient, filled: Any) -> None:
    found = body(reader.get(f"{V1}/projects/{filled.project}"))
    assert [(label["name"], label["boxes"]) for label in found["labels"]] == [("浴衣", 2), ("水着", 2)]
    assert found["counts"] == {
        "images": 4,
        "labelled": 2,
        "reviewed_empty": 1,
        "unknown": 1,
        "boxes": 4,
        "conflicts": 0,
    }
    assert found["findings"]["outside"] == {"warning": 1}


def test_pictures_are_filtered(reader: FlaskClient, filled: Any) -> None:
    def names(**query: str) -> list[str]:
        listed = body(reader.get(f"{V1}/projects/{filled.project}/images", query_string=query))
        return [image["name"] for image in listed["items"]]

    assert names(state="reviewed-empty") == ["空.jpg"]
    assert names(state="unknown") == ["未確認.jpg"]
    assert names(label="浴衣", search="はみ") == ["はみ出し.jpg"]
    assert names(rule="outside") == ["はみ出し.jpg"]
    assert problem(reader.get(f"{V1}/projects/{filled.project}/images?label=帯"))[1] == "label-missing"
    first = body(reader.get(f"{V1}/projects/{filled.project}/images?limit=3"))
    rest = body(reader.get(f"{V1}/projects/{filled.project}/images?limit=3&cursor={first['next']}"))
    assert len(first["items"] + rest["items"]) == 4
    assert rest["next"] is None


def test_a_picture_with_all_that_is_known(reader: FlaskClient, filled: Any) -> None:
    found = body(reader.get(f"{V1}/images/{filled.images['浴衣 (1).jpg']}"))
    assert (found["name"], found["state"], found["width"]) == ("浴衣 (1).jpg", "labelled", 64)
    assert found["heads"][0]["shapes"][0]["points"] == [[4, 4], [30, 30]]
    assert found["predictions"][0]["shapes"][0]["score"] == 0.87
    assert [entry["author"] for entry in found["history"]] == ["愛子"]
    assert problem(reader.get(f"{V1}/images/999999")) == (404, "image-missing")


def test_a_safe_fix_and_its_undo(admin: FlaskClient, filled: Any) -> None:
    image = f"{V1}/images/{filled.images['はみ出し.jpg']}"
    fixed = body(admin.post(f"{V1}/projects/{filled.project}/check", json={"fix": True}))
    assert fixed["fixed"] == 1
    assert "outside" not in fixed["counts"]
    assert body(admin.get(image))["heads"][0]["shapes"][0]["points"] == [[40, 20], [64, 40]]
    assert body(admin.post(f"{image}/undo"))["pictures"] == 1
    found = body(admin.get(image))
    assert found["heads"][0]["shapes"][0]["points"] == [[40, 20], [70, 40]]
    assert [entry["source"].partition(":")[0] for entry in found["history"]] == ["vott-v1", "fix", "undo"]


def test_versions_are_frozen_once(admin: FlaskClient, filled: Any) -> None:
    place = f"{V1}/projects/{filled.project}/versions"
    made = body(
        admin.post(place, json={"fraction": 0.5, "seed": 7}), admin.post(place, json={"fraction": 0.5}).status_code
    )
    again = body(admin.post(place, json={"fraction": 0.5, "seed": 7}))
    assert again["new"] is False
    assert again["version"]["id"] == made["version"]["id"]
    assert again["version"]["train"] + again["version"]["valid"] == 3
    members = body(admin.get(f"{V1}/versions/{made['version']['id'][:8]}/members?limit=2"))
    assert len(members["items"]) == 2
    rest = body(admin.get(f"{V1}/versions/{made['version']['id'][:8]}/members?cursor={members['next']}"))
    assert len(rest["items"]) == 1


def test_runs_with_events_checkpoints_and_failure(reader: FlaskClient, filled: Any) -> None:
    listed = body(reader.get(f"{V1}/runs", query_string={"project": filled.project, "limit": 1}))
    assert [run["id"] for run in listed["items"]] == [filled.failed]
    rest = body(reader.get(f"{V1}/runs", query_string={"cursor": listed["next"]}))
    assert [run["id"] for run in rest["items"]] == [filled.done]
    failed = body(reader.get(f"{V1}/runs/{filled.failed[:6]}"))
    assert failed["failure"]["kind"] == "out-of-memory"
    assert "memory" in failed["failure"]["cause"]
    assert failed["recipe"]["cfg"].startswith("[net]")
    events = body(reader.get(f"{V1}/runs/{filled.done}/events?limit=40"))
    more = body(reader.get(f"{V1}/runs/{filled.done}/events?limit=500&cursor={events['next']}"))
    assert [e["seq"] for e in events["items"] + more["items"]] == list(range(1, 102))
    [checkpoint] = body(reader.get(f"{V1}/runs/{filled.done}/checkpoints"))["items"]
    assert checkpoint["scores"]["map"] == 0.8
    assert "保存しました" in reader.get(f"{V1}/runs/{filled.done}/log").text


def test_a_report_as_figures_and_as_a_page(reader: FlaskClient, filled: Any) -> None:
    figures = body(reader.get(f"{V1}/runs/{filled.done}/report"))
    assert figures["best"]["map"] == 0.8
    assert figures["checkpoints"][0]["map"] == 0.8
    page = reader.get(f"{V1}/runs/{filled.done}/report?format=html&lang=ja")
    assert page.mimetype == "text/html"
    assert 'lang="ja"' in page.text


def test_what_needs_a_worker_says_so(admin: FlaskClient, filled: Any) -> None:
    with filled.ws.db.write() as tx:
        from bridge.store import nodes

        nodes.remove(tx, "検査室")
    assert problem(admin.post(f"{V1}/projects/{filled.project}/predict", json={})) == (503, "worker-missing")


def test_asking_twice_makes_one_job(admin: FlaskClient, filled: Any) -> None:
    first = body(admin.post(f"{V1}/projects/{filled.project}/push", json={}), 202)
    again = body(admin.post(f"{V1}/projects/{filled.project}/push", json={}), 202)
    assert first == again
    job = f"{V1}/jobs/{first['jobs'][0]}"
    assert body(admin.get(job))["state"] == "queued"
    assert body(admin.post(f"{job}/cancel"))["state"] == "cancelled"
    assert problem(admin.post(f"{V1}/projects/{filled.project}/push", json={"source": "x"})) == (404, "source-missing")


def test_nodes_are_drained(admin: FlaskClient, filled: Any) -> None:
    assert body(admin.post(f"{V1}/nodes/検査室/drain"))["draining"] is True
    assert body(admin.get(f"{V1}/nodes"))["items"][0]["draining"] is True
    assert body(admin.post(f"{V1}/nodes/検査室/undrain"))["draining"] is False


def test_a_token_is_shown_once_and_works_until_revoked(admin: FlaskClient, app: OpenAPI) -> None:
    made = body(admin.post(f"{V1}/tokens", json={"name": "監視", "role": "read"}), 201)
    assert made["secret"] not in admin.get(f"{V1}/tokens").text
    other = app.test_client()
    other.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {made['secret']}"
    assert other.get(f"{V1}/projects").status_code == 200
    assert admin.delete(f"{V1}/tokens/{made['id']}").status_code == 204
    assert problem(other.get(f"{V1}/projects")) == (401, "token-wrong")


def test_a_login_link_is_no_token(admin: FlaskClient, app: OpenAPI) -> None:
    url = body(admin.post(f"{V1}/login-links"), 201)["url"]
    other = app.test_client()
    other.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {url.partition('token=')[2]}"
    assert problem(other.get(f"{V1}/projects")) == (401, "token-wrong")


def test_a_broken_plugin_is_listed_with_its_reason(admin: FlaskClient, app: OpenAPI) -> None:
    from bridge.registry import Registry
    from bridge.web.app import create_app
    from bridge.workspace import Workspace

    ws: Workspace = app.extensions["workspace"]
    folder = ws.settings.data / "plugins"
    folder.mkdir(exist_ok=True)
    (folder / "broken.py").write_text("raise ValueError('こわれた')\n")
    other = create_app(Workspace(ws.settings, ws.db, ws.blobs, Registry(folder)))
    found = other.test_client().get(f"{V1}/plugins?limit=500", headers=_headers(admin))
    broken = [plugin for plugin in body(found)["items"] if plugin["broken"]]
    assert any("こわれた" in plugin["broken"] for plugin in broken)


def _headers(client: FlaskClient) -> dict[str, str]:
    return {"Authorization": str(client.environ_base["HTTP_AUTHORIZATION"])}


def test_a_waiting_import_is_put_aside_once(admin: FlaskClient, filled: Any) -> None:
    waiting = body(admin.get(f"{V1}/deliveries?state=waiting"))["items"]
    assert [delivery["id"] for delivery in waiting] == [filled.delivery]
    place = f"{V1}/deliveries/{filled.delivery}"
    assert problem(admin.post(f"{place}/resume", json={"order": "ntfs"})) == (404, "path-missing")
    assert body(admin.post(f"{place}/dismiss"))["state"] == "done"
    assert problem(admin.post(f"{place}/dismiss")) == (409, "delivery-settled")
    with filled.ws.db.read() as tx:
        assert deliveries.find(tx, filled.delivery).outcome == {"dismissed": "愛子"}


def test_a_conflict_is_settled_over_the_api(admin: FlaskClient, filled: Any) -> None:
    from bridge.store import revisions

    image = filled.images["浴衣 (1).jpg"]
    with filled.ws.db.write() as tx:
        labels = projects.labels(tx, filled.project)
        [head] = revisions.heads(tx, image, labels)
        other = revisions.Draft(image, (), "f" * 64, "健太", "label-studio", base=head.id)
        revisions.put(tx, [other], labels)
    place = f"{V1}/images/{image}"
    assert len(body(admin.get(place))["heads"]) == 2
    assert problem(admin.post(f"{place}/resolve", json={"keep": 9999})) == (404, "revision-missing")
    found = body(admin.post(f"{place}/resolve", json={"keep": head.id}))
    assert [(len(h["shapes"]), h["author"]) for h in found["heads"]] == [(2, "愛子")]
    assert problem(admin.post(f"{place}/resolve", json={"keep": head.id})) == (409, "resolve-nothing")
