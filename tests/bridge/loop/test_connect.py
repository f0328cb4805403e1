from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bridge.errors import AccessError, ConflictError, InputError, MissingPartError, UnreachableError
from bridge.loop import show as showing
from bridge.loop.connect import connect, connect_folder, export_tasks
from bridge.loop.tool import alone, holder_of, reach, secrets_of
from bridge.model.annotation import FileStamp
from bridge.model.finding import Severity
from bridge.store import findings, images, jobs, projects, tokens
from tests.paper_studio import PaperStudio
from tests.serving import PROJECT
from tests.studio_bench import Bench


def test_a_project_is_made_there_with_our_labels_pictures_and_webhook(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    number = source.options["ls_project"]
    assert paper.projects[number]["title"] == f"{PROJECT} (labelbridge)"
    assert len(paper.tasks) == 4
    [hook] = paper.webhooks.values()
    assert hook["url"] == f"http://127.0.0.1:8765/webhooks/label-studio/{bench.project}"
    # The secret that it shows opens our side, and nothing else does.
    secret = hook["headers"]["X-Labelbridge-Secret"]
    holder = holder_of(bench.ws, bench.project, "webhook", secret)
    assert holder is not None
    assert holder.id == source.id
    assert holder_of(bench.ws, bench.project, "webhook", "") is None
    assert holder_of(bench.ws, bench.project, "backend", secret) is None
    # And polling is due from now on.
    with bench.ws.db.read() as tx:
        [poll] = [job for job in jobs.listing(tx, bench.project) if job.kind == "pull"]
        assert tokens.recorded(tx, bench.project)[0]["what"] == "source-add"
    assert poll.due > time.time()


def test_connecting_again_changes_nothing_but_the_token(bench: Bench, paper: PaperStudio) -> None:
    first = bench.connect()
    before = secrets_of(bench.ws, first)
    second = bench.connect()
    assert (second.id, second.options["ls_project"]) == (first.id, first.options["ls_project"])
    assert secrets_of(bench.ws, second) == before
    assert (len(paper.projects), len(paper.tasks), len(paper.webhooks)) == (1, 4, 1)


def test_no_secret_lies_readable_in_the_store(bench: Bench) -> None:
    source = bench.connect()
    words = secrets_of(bench.ws, source)
    assert set(words) == {"token", "webhook", "backend"}
    for file in bench.ws.settings.data.glob("store.sqlite3*"):
        data = file.read_bytes()
        assert not any(word.encode() in data for word in words.values())


def test_a_connection_that_failed_half_way_is_completed_and_not_doubled(bench: Bench, paper: PaperStudio) -> None:
    paper.faults["POST /api/webhooks/"] = [(403, {"detail": "URL resolves to a reserved network address"})]
    with pytest.raises(MissingPartError, match="label-studio-blocks-address"):
        bench.connect()
    bench.connect()
    assert (len(paper.projects), len(paper.tasks)) == (1, 4)


def test_tasks_that_were_made_but_not_remembered_are_found_again(bench: Bench, paper: PaperStudio) -> None:
    source = bench.connect()
    with bench.ws.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM source_item WHERE item IS NOT NULL")
    [shown] = export_tasks(bench.ws, PROJECT)
    assert (shown.new, len(paper.tasks)) == (4, 4)
    assert bench.task_of(source, next(iter(bench.present()))) in paper.tasks


def test_new_pictures_get_tasks_and_old_links_are_renewed_in_time(
    bench: Bench, paper: PaperStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.connect()
    before = {n: task["data"]["image"] for n, task in paper.tasks.items()}
    expires = {int(parse_qs(urlsplit(link).query)["expires"][0]) for link in before.values()}
    assert min(expires) > time.time() + 300 * 86_400
    export_tasks(bench.ws, PROJECT)
    assert {n: task["data"]["image"] for n, task in paper.tasks.items()} == before
    # Near their end
    monkeypatch.setattr(showing, "RENEW_SECONDS", 2 * showing.LINK_SECONDS)
    monkeypatch.setattr(showing, "LINK_SECONDS", showing.LINK_SECONDS + 86_400)
    export_tasks(bench.ws, PROJECT)
    assert all(task["data"]["image"] != before[n] for n, task in paper.tasks.items())
    assert len(paper.tasks) == 4


def test_links_follow_when_we_move_to_another_address(bench: Bench, paper: PaperStudio) -> None:
    bench.connect()
    moved = replace(bench.ws, settings=replace(bench.ws.settings, public_url="http://10.0.0.9:8765"))
    export_tasks(moved, PROJECT)
    assert all(task["data"]["image"].startswith("http://10.0.0.9:8765/pictures/") for task in paper.tasks.values())


def test_a_picture_without_a_file_is_told(bench: Bench, paper: PaperStudio) -> None:
    with bench.ws.db.write() as tx:
        image = next(iter(images.known_images(tx, bench.project).values()))
        images.change(tx, [replace(image, file=FileStamp("/moved/away.jpg", 1, 1))])
    bench.connect()
    [shown] = export_tasks(bench.ws, PROJECT)
    assert [(f.rule, f.image, f.fields["case"]) for f in shown.findings] == [("not-offered", image.name, "missing")]
    assert len(paper.tasks) == 3


def test_somebody_s_project_is_not_filled_unasked(bench: Bench, paper: PaperStudio) -> None:
    number = paper.project()
    source = bench.connect(number=number)
    assert paper.tasks == {}
    with bench.ws.db.read() as tx:
        told = findings.listing(tx, bench.project, rule="label-not-in-tool")
    assert len(told) == 4
    assert all(f.severity is Severity.WARNING for f in told)
    assert export_tasks(bench.ws, PROJECT, source.name)[0].new == 4


@pytest.mark.parametrize(
    ("pasted", "number"),
    [("{url}/projects/{n}/data?tab=3&task=9", True), ("{url}/projects/", False), (" {url}/ ", False)],
)
def test_the_address_may_be_pasted_as_the_browser_shows_it(
    bench: Bench, paper: PaperStudio, pasted: str, number: bool
) -> None:
    theirs = paper.project()
    url = pasted.format(url=paper.url, n=theirs)
    source = connect(bench.ws, PROJECT, url, bench.token)
    assert source.place == paper.url
    assert (source.options["ls_project"] == theirs) is number


@pytest.mark.parametrize(
    ("ours", "theirs", "rule"),
    [
        ("http://bridge:8765", "http://studio.lan:8080", "public-url-undotted"),
        ("http://127.0.0.1:8765", "http://studio.lan:8080", "public-url-local"),
        ("http://[::1]:8765", "http://192.168.0.7:8080", "public-url-local"),
        ("http://192.168.0.9:8765", "https://studio.example", "public-url-plain"),
        ("http://127.0.0.1:8765", "studio.example", "label-studio-address"),
        ("http://127.0.0.1:8765", "ftp://studio.example", "label-studio-address"),
    ],
)
def test_an_address_that_cannot_work_is_refused_before_anything_is_made(
    bench: Bench, paper: PaperStudio, ours: str, theirs: str, rule: str
) -> None:
    ws = replace(bench.ws, settings=replace(bench.ws.settings, public_url=ours))
    with pytest.raises(InputError) as caught:
        connect(ws, PROJECT, theirs, bench.token)
    assert caught.value.rule == rule
    assert paper.asked == []


def test_a_wrong_token_leaves_no_connection(bench: Bench) -> None:
    with pytest.raises(AccessError):
        bench.connect(token="wrong")
    with bench.ws.db.read() as tx:
        assert [source.kind for source in projects.sources(tx, bench.project)] == ["import"]


def test_one_name_leads_to_one_place(bench: Bench, paper: PaperStudio) -> None:
    bench.connect()
    with pytest.raises(ConflictError, match="source-elsewhere"):
        bench.connect(number=paper.project())
    with pytest.raises(ConflictError, match="source-elsewhere"):
        connect(bench.ws, PROJECT, "http://127.0.0.1:1", bench.token)


def test_a_project_without_labels_is_not_connected(bench: Bench) -> None:
    with bench.ws.db.write() as tx:
        projects.create(tx, "空")
    with pytest.raises(InputError, match="labels-none"):
        connect(bench.ws, "空", bench.place, bench.token)


def test_a_folder_that_is_no_project_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder-not-connected"):
        connect_folder(bench.ws, PROJECT, "vott-v2", tmp_path)


def test_an_import_is_no_tool(bench: Bench) -> None:
    with bench.ws.db.read() as tx:
        [source] = projects.sources(tx, bench.project)
    with pytest.raises(InputError, match="source-no-tool"):
        reach(bench.ws, source)


def test_a_tool_is_held_by_one_at_a_time(bench: Bench) -> None:
    source = bench.connect()
    with alone(bench.ws, source), pytest.raises(ConflictError, match="source-busy"), alone(bench.ws, source, 0.1):
        raise AssertionError("two held it")


def test_a_server_that_is_away_is_told_as_such(bench: Bench, paper: PaperStudio) -> None:
    paper.faults["GET /api/current-user/whoami"] = [(502, {"detail": "bad gateway"})] * 3
    with pytest.raises(UnreachableError):
        bench.connect()
