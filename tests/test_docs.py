"""The documents are true: what they name is there, what is there is named, and their examples run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np
import pytest
import structlog

from bridge import texts
from bridge.cli.main import COMMANDS, labelbridge, main
from bridge.listeners import tell
from bridge.loop.intake import IntakeOptions, import_path
from bridge.loop.validate import run_validators
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.finding import Severity
from bridge.plugin import BoxTable, ScoreOptions, View
from bridge.registry import BUILT_IN, Kind, Registry
from bridge.settings import Settings
from bridge.store import projects, revisions
from bridge.workspace import open_workspace
from tests.declared import ROOT, command_lines, protocols, setting_groups, settings, wrong_with
from tests.test_house import FLOORS

DOCS = ROOT / "docs"
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))
PAGES = [*sorted(DOCS.glob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]
ONLY_OURS = re.compile(r"\bLABELBRIDGE_REQUIRE_ALL\b")  # Of the tests, not of the program.


def name(path: Path) -> str:
    return path.name


def page(file: str) -> str:
    return (DOCS / file).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("\\|", "|") for cell in line] for line in lines[2:]]


# ---------------------------------------------------------------- every page


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_names_only_what_is_there(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [w for line in command_lines(text) if (w := wrong_with(line))] == []
    assert set(re.findall(r"\bLABELBRIDGE_[A-Z_]+", ONLY_OURS.sub("", text))) - set(settings()) == set()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []
    files = re.findall(r"`((?:bridge|plugins|workers|tests|deploy|docs)/[\w./-]+)`", text)
    assert [file for file in files if not (ROOT / file).exists() and not file.endswith(".env")] == []
    modules = re.findall(r"`((?:bridge|plugins|workers)(?:\.\w+)+)`", text)
    assert [
        m for m in modules if not any((ROOT / m.replace(".", "/")).with_suffix(s).exists() for s in ("", ".py"))
    ] == []


def test_the_readme_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [p.name for p in DOCS.glob("*.md") if f"(docs/{p.name})" not in text] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    context = click.Context(labelbridge, info_name="labelbridge")
    found = labelbridge.get_command(context, command)
    assert found is not None
    with click.Context(found, parent=context, info_name=command) as inner:
        explained = found.get_help(inner).partition("\n")[2].partition("Options:")[0]
    assert len(explained.split()) >= 3


def called(text: str) -> set[str]:
    """The calls of labelbridge in a sentence, as far as they are the same for everybody: commands and options."""
    return {call.strip() for call in re.findall(r"labelbridge [a-z][a-z -]*", text)}


@pytest.mark.parametrize("catalogue", sorted(p.stem for p in (ROOT / "bridge/texts/en").glob("*.toml")))
def test_a_sentence_names_only_commands_that_are_there(catalogue: str) -> None:
    english, japanese = texts.catalogue("en", catalogue), texts.catalogue("ja", catalogue)
    calls = {call for text in japanese.values() for call in called(text)}  # Our name before an English word is a call.
    calls |= {call for text in english.values() for quoted in command_lines(text) for call in called(quoted)}
    assert [wrong for call in sorted(calls) if (wrong := wrong_with(call))] == []
    unlike = [
        key
        for key, text in japanese.items()
        if not {c.split()[1] for c in called(text)} <= {c.split()[1] for c in called(english[key])}
    ]
    assert unlike == []


# ---------------------------------------------------------------- settings


def test_the_table_of_settings_is_that_of_the_program() -> None:
    told = [(names.split("<br>"), defaults.split("<br>"), what) for names, defaults, what in rows(page("settings.md"))]
    wanted = [
        ([f"`{n}`" for n in names], [f"`{settings()[n]}`" if settings()[n] else "–" for n in names], comment)
        for names, comment in setting_groups()
    ]
    assert told == wanted
    assert [n for names, _ in setting_groups() for n in names] == list(settings())
    assert len(settings()) == len(fields(Settings))


# ---------------------------------------------------------------- architecture


def test_the_floors_are_those_of_the_house() -> None:
    block = re.search(r"```\n(bridge\.cli.*?)\n```", page("architecture.md"), re.DOTALL)
    assert block is not None
    assert [line.split() for line in block[1].splitlines()] == FLOORS


def test_every_step_that_is_named_is_a_file_of_the_loop() -> None:
    named = re.findall(r"`(loop|store|model)/(\w+\.py)`", page("architecture.md"))
    assert named
    assert [f"{room}/{file}" for room, file in named if not (ROOT / "bridge" / room / file).is_file()] == []


# ---------------------------------------------------------------- checks and formats


def test_every_rule_of_check_is_explained() -> None:
    validators = {plugin.name: validator for plugin, validator in Registry().usable("validator")}
    table = {row[0].strip("`"): row for row in rows(section(page("checks.md"), "The rules of `check`"))}
    assert set(table) == {validator.rule for validator in validators.values()} == set(validators)
    for row in table.values():
        assert set(re.findall(r"\b(error|warning|info)\b", row[1])), row
        assert len(row[2]) > 40, row


def test_every_rule_that_is_named_has_its_sentence() -> None:
    known = texts.catalogue("en", "findings")
    stems = {key.partition("_")[0] for key in known}
    cells = [row[1] for row in rows(section(page("checks.md"), "What reading and writing files can tell"))]
    rules = re.findall(r"`([a-z-]+)`", " ".join(cells)) + re.findall(
        r"`([a-z]+(?:-[a-z]+)+)`", section(page("checks.md"), "What a cut leaves out")
    )
    assert len(rules) > 30
    assert [rule for rule in rules if rule not in stems] == []


def test_every_format_has_its_section_with_what_it_loses() -> None:
    headings = re.findall(r"^## (\S+)$", page("formats.md"), re.MULTILINE)
    assert headings == [key.removeprefix("format:") for key in BUILT_IN if key.startswith("format:")]
    for heading in headings:
        told = section(page("formats.md"), heading)
        assert all(f"- **{part}**" in told for part in ("Reads", "Keeps", "Loses when writing", "Writes"))
    stems = {key.partition("_")[0] for key in texts.catalogue("en", "findings")}
    named = set(re.findall(r"\(`([a-z]+-[a-z-]+)`", page("formats.md")))
    assert named - stems == set()


# ---------------------------------------------------------------- plugins


def test_every_kind_is_named() -> None:
    told = re.search(r"The kinds are: ([\w, ]+)\.", page("plugins.md"))
    assert told is not None
    assert told[1].split(", ") == list(get_args(Kind))


@pytest.mark.parametrize("contract", protocols())
def test_every_method_and_hook_is_told_as_it_is(contract: str) -> None:
    told = {row[0].strip("`"): row[1] for row in rows(section(page("plugins.md"), f"`{contract}`"))}
    assert told == protocols()[contract]


def example(path: Path) -> str:
    found = re.search(r"# start ([\w-]+)\n(.*?)# end \1\n", path.read_text("utf-8"), re.DOTALL)
    assert found is not None, path
    return found[2].strip()


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_an_example_stands_in_the_page_as_it_runs(path: Path) -> None:
    blocks = re.findall(rf"<!-- {path.name}: [\w-]+ -->\n```python\n(.*?)\n```", page("plugins.md"), re.DOTALL)
    assert blocks == [example(path)]


Said = Callable[..., tuple[int, Any]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """What the command line answers: exit code and JSON."""

    def ask(*words: str) -> tuple[int, Any]:
        with pytest.raises(SystemExit) as end:
            main([*words, "--json"])
        code = end.value.code
        return (code if isinstance(code, int) else 0), json.loads(capsys.readouterr().out)

    yield ask
    structlog.reset_defaults()  # The command line logs to an error stream that is closed now.


def with_plugin(data: Path, file: str) -> Path:
    """A data folder with one example dropped into its plugin folder; gives that."""
    folder = data / "plugins"
    folder.mkdir(parents=True)
    shutil.copy(DOCS / "examples" / file, folder)
    return folder


def test_the_validator_finds_what_stands_alone(tmp_path: Path) -> None:
    registry = Registry(with_plugin(tmp_path, "lonely_label.py"))
    box = Box(1, 1, 9, 9)
    both = Document(Image("a.jpg", 20, 20), (Region.rectangle(box, "plate"), Region.rectangle(box, "car")))
    alone = Document(Image("b.jpg", 20, 20), (Region.rectangle(box, "ナンバー"),))
    view = View(("plate", "car", "ナンバー"), [both, alone, Document(Image("c.jpg"))])
    (found,) = [f for f in run_validators(registry, view) if f.rule == "lonely-label"]
    assert (found.image, found.severity) == ("b.jpg", Severity.WARNING)
    assert "「車」がありません" in texts.render("findings", found.rule, found.fields, "ja")
    assert "no 車" in texts.render("findings", found.rule, found.fields, "en")


def test_the_format_reads_and_writes(tmp_path: Path, picture: Callable[..., Path], said: Said) -> None:
    data = tmp_path / "data"
    with_plugin(data, "box_csv.py")
    for file in ("一.png", "empty.png", "broken.png"):
        picture(file, folder=tmp_path / "labels")
    table = tmp_path / "labels" / "boxes.csv"
    header = "picture,label,left,top,right,bottom\n"
    lines = "一.png,ボルト,1.5,2.0,30.0,40.0\nempty.png,,,,,\n"
    table.write_text(header + lines + "broken.png,ボルト,1,2,x,4\n", "utf-8")
    ws = open_workspace(Settings(data=data), create=True)
    done = import_path(ws, "部品", table, IntakeOptions())
    assert [f.rule for f in done.findings if f.severity is Severity.ERROR] == ["bad-number"]
    with ws.db.read() as tx:
        project = projects.find(tx, "部品")
        documents = [current.document for current in revisions.current(tx, project.id, project.labels)]
    states = {document.image.name: document.state.value for document in documents}
    assert states == {"一.png": "labelled", "empty.png": "reviewed-empty", "broken.png": "labelled"}
    ws.close()

    out = tmp_path / "again.csv"
    words = ("export", "部品", "box-csv", str(out), "--data", str(data))
    code, answer = said(*words)
    assert code == 3
    assert "cannot hold this damaged" in str(answer)
    assert said(*words, "--allow-loss")[0] == 0
    assert out.read_text("utf-8") == header + lines


def test_a_bare_file_of_the_format_can_be_checked(tmp_path: Path, picture: Callable[..., Path], said: Said) -> None:
    with_plugin(tmp_path / "data", "box_csv.py")
    picture("a.png", folder=tmp_path)
    (tmp_path / "boxes.csv").write_text("picture,label,left,top,right,bottom\na.png,nut,5,5,5,20\n")
    code, answer = said("check", str(tmp_path / "boxes.csv"), "--data", str(tmp_path / "data"))
    assert code == 1
    assert "zero-area" in [f["rule"] for f in answer["findings"]]


def test_the_evaluator_scores(tmp_path: Path) -> None:
    evaluator = Registry(with_plugin(tmp_path, "found_share.py")).find("evaluator", "found-share")
    names = (("a.jpg", "b.jpg"), ("nut", "bolt", "none"))
    boxes = np.array([[0, 0, 10, 10], [20, 20, 40, 40], [0, 0, 10, 10]], np.float64)
    truth = BoxTable(*names, np.array([0, 0, 1]), np.array([0, 0, 1]), boxes)
    # The nut in a.jpg is found; the second one only below the score, the bolt in another class.
    found = BoxTable(*names, np.array([0, 0, 1]), np.array([0, 0, 0]), boxes + 1, np.array([0.9, 0.2, 0.9]))
    scores = evaluator.score(truth, found, ScoreOptions(0.5))
    assert [(c.ap, c.truths, c.detections) for c in scores.classes] == [(0.5, 2, 3), (0.0, 1, 0), (0.0, 0, 0)]
    assert scores.map == 0.25
    assert scores.options == {"iou": 0.5, "least_score": 0.25}


def test_the_evaluator_is_asked_for_by_name(tmp_path: Path, said: Said) -> None:
    with_plugin(tmp_path / "data", "found_share.py")
    image = {"id": 1, "file_name": "a.jpg", "width": 50, "height": 50}
    box = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 1, 20, 20], "area": 400, "iscrowd": 0}
    truth = {"images": [image], "annotations": [box], "categories": [{"id": 7, "name": "nut"}]}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "found.json").write_text(json.dumps([{**box, "score": 0.8}]))
    files = ["--truth", str(tmp_path / "truth.json"), "--detections", str(tmp_path / "found.json")]
    words = ("evaluate", *files, "--data", str(tmp_path / "data"), "--protocol")
    assert said(*words, "found-share")[1]["stats"] == {"found": 1.0}
    code, answer = said(*words, "lost-share")
    assert code == 2
    assert "found-share" in answer["error"]["message"]


def test_the_listener_writes_its_diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    registry = Registry(with_plugin(tmp_path, "run_diary.py"))
    tell(registry, "run_changed", run_id="r1", state="running")
    tell(registry, "run_changed", run_id="r1", state="done")
    lines = (tmp_path / "labelbridge-diary.txt").read_text("utf-8").splitlines()
    assert [line.split()[2:] for line in lines] == [["r1", "running"], ["r1", "done"]]
