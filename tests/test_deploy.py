"""What deploy/ names must be there: commands, options, variables, files, extras; and nodes do with what they get."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.declared import ROOT, command_lines, setting_groups, settings, wrong_with
from tests.parts import absent

DEPLOY = ROOT / "deploy"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
DOCKERFILES = sorted(DEPLOY.glob("Dockerfile.*"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def name(path: Path) -> str:
    return path.name


def test_everything_is_looked_at() -> None:
    assert (len(COMPOSE), len(DOCKERFILES), len(UNITS)) == (2, 2, 4)


@pytest.mark.parametrize("path", [p for p in DEPLOY.rglob("*") if p.is_file()], ids=name)
def test_every_variable_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"\bLABELBRIDGE_[A-Z_]+", path.read_text("utf-8")))
    assert named - set(settings()) == set()


def test_the_env_file_has_every_setting_with_comment_and_default_and_sets_none() -> None:
    told: list[tuple[dict[str, str], str]] = []
    for block in (DEPLOY / "example.env").read_text("utf-8").split("\n\n")[1:]:
        comment, *lines = block.strip().splitlines()
        told.append(({n: v for n, _, v in (line.removeprefix("#").partition("=") for line in lines)}, comment))
    wanted = [({n: settings()[n] for n in names}, f"# {comment}") for names, comment in setting_groups()]
    assert told == wanted
    assert [n for names, _ in setting_groups() for n in names] == list(settings())
    assert re.findall(r"^[^#\n].*", (DEPLOY / "example.env").read_text("utf-8"), re.MULTILINE) == []


# ---------------------------------------------------------------- compose


def services(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["services"]
    return found


def ours(path: Path) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services(path).items() if "build" in service}


@pytest.mark.parametrize("path", COMPOSE, ids=name)
def test_compose_starts_what_the_program_has(path: Path) -> None:
    for service in ours(path).values():
        assert wrong_with(shlex.join(["labelbridge", *service["command"]])) is None
        build = service["build"]
        file = (path.parent / build["context"] / build["dockerfile"]).resolve()
        assert file in DOCKERFILES
        assert build.get("target", "") in {"", *stages(file)}


@pytest.mark.parametrize("path", COMPOSE, ids=name)
def test_compose_refers_to_nothing_that_is_not_there(path: Path) -> None:
    text = yaml.safe_load(path.read_text("utf-8"))
    volumes, env_files = set(text["volumes"]), []
    for service in services(path).values():
        assert set(service.get("depends_on", {})) <= set(services(path))
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services(path)[needed]
        mounted = {v.partition(":")[0] for v in service.get("volumes", ())}
        assert {v for v in mounted if re.fullmatch(r"[a-z]+", v)} <= volumes
        env_files += service.get("env_file", [])
    assert all((DEPLOY / f).is_file() for f in env_files if isinstance(f, str))


def test_every_part_is_in_compose_and_its_secrets_are_asked_for() -> None:
    commands = {tuple(service["command"]) for path in COMPOSE for service in ours(path).values()}
    assert commands == {("migrate",), ("web",), ("worker", "--queue", "bridge"), ("worker",)}
    text = "".join(path.read_text("utf-8") for path in COMPOSE)
    assert re.findall(r"\$\{\w*(?:PASSWORD|TOKEN)\w*(?!\w|:\?)", text) == []


def test_redis_keeps_its_queue() -> None:
    command = shlex.join(services(DEPLOY / "compose.yaml")["broker"]["command"])
    for wanted in ("--appendonly yes", "--maxmemory-policy noeviction", "--requirepass"):
        assert wanted in command


def test_the_web_server_is_asked_whether_it_lives() -> None:
    asked = shlex.join(services(DEPLOY / "compose.yaml")["web"]["healthcheck"]["test"])
    assert '.get("/healthz")' in (ROOT / "bridge/web/health.py").read_text("utf-8")
    assert f":{settings()['LABELBRIDGE_PORT']}/healthz" in asked


# ---------------------------------------------------------------- Dockerfiles


def instructions(path: Path) -> list[tuple[str, str]]:
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(w, rest) for w, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def stages(path: Path) -> list[str]:
    return [rest.split()[-1] for word, rest in instructions(path) if word == "FROM" and " AS " in rest]


@pytest.mark.parametrize("path", DOCKERFILES, ids=name)
def test_an_image_is_made_of_what_is_there(path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    global_args: set[str] = set()
    begun = False
    for word, rest in instructions(path):
        begun = begun or word == "FROM"
        if word == "ARG" and not begun:
            global_args.add(rest.partition("=")[0])
        if word == "FROM":
            assert set(re.findall(r"\$\{(\w+)\}", rest)) <= global_args
        if word == "COPY" and rest.startswith("--from="):
            assert rest.split()[0].removeprefix("--from=") in stages(path)
        elif word == "COPY":
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignored
        for extra in re.findall(r'pip install .*\[(\w+)\]"', rest):
            assert extra in PROJECT["optional-dependencies"]
    assert {"bridge", "plugins", "workers", "pyproject.toml", PROJECT["readme"]} <= {
        source for word, rest in instructions(path) if word == "COPY" for source in rest.split()[:-1]
    }


@pytest.mark.parametrize("path", DOCKERFILES, ids=name)
def test_an_image_starts_what_the_program_has(path: Path) -> None:
    found = [(word, yaml.safe_load(rest)) for word, rest in instructions(path) if word in ("ENTRYPOINT", "CMD")]
    for (_, entry), (_, command) in zip(found[::2], found[1::2], strict=True):
        assert wrong_with(shlex.join(entry + command)) is None


# ---------------------------------------------------------------- systemd


@pytest.mark.parametrize("path", UNITS, ids=name)
def test_a_unit_starts_what_the_program_has(path: Path) -> None:
    lines = re.findall(r"^ExecStart=/opt/labelbridge/bin/(.*)$", path.read_text("utf-8"), re.MULTILINE)
    assert [wrong_with(line) for line in lines] == [None]
    needed = re.findall(r"(?:Requires|After)=.*?(labelbridge-\w+\.service)", path.read_text("utf-8"))
    assert {(path.parent / unit).is_file() for unit in needed} <= {True}


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        absent("systemd-analyze")
    program = Path(sys.executable).with_name("labelbridge")
    for path in UNITS:
        text = path.read_text("utf-8").replace("/opt/labelbridge/bin/labelbridge", str(program))
        (tmp_path / path.name).write_text(text, "utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))], capture_output=True, text=True
    )
    assert (told.returncode, told.stderr) == (0, "")


def test_a_worker_has_time_to_stop_darknet() -> None:
    from bridge.embedded import house

    longest = house._WORKER_SECONDS
    for unit in ("labelbridge-worker", "labelbridge-bridge"):
        text = (DEPLOY / "systemd" / f"{unit}.service").read_text("utf-8")
        assert int(re.findall(r"TimeoutStopSec=(\d+)", text)[0]) > longest
        assert "KillMode=mixed" in text
    workers = [s for path in COMPOSE for s in ours(path).values() if "worker" in s["command"]]
    graces = [service["stop_grace_period"] for service in workers]
    assert all(int(grace.removesuffix("s")) > longest for grace in graces)


# ---------------------------------------------------------------- what each extra gives


def packages(extra: str) -> set[str]:
    """Names of the packages that an extra asks for, with those of the extras it includes."""
    found: set[str] = set()
    for wanted in PROJECT["optional-dependencies"].get(extra, []) if extra else PROJECT["dependencies"]:
        if inner := re.match(rf"{PROJECT['name']}\[(\w+)\]", wanted):
            found |= packages(inner[1])
        else:
            found.add(re.split(r"[\[<>=;~ ]", wanted)[0])
    return found


MODULES = {"label-studio-sdk": "label_studio_sdk", "prometheus-client": "prometheus_client", "nvidia-ml-py": "pynvml"}


def without(*extras: str) -> str:
    """Python code after which what only these extras give cannot be imported."""
    gone = set().union(*map(packages, extras)) - packages("")
    if "worker" not in extras:
        gone -= packages("worker")
    blocked = {MODULES.get(package, package.replace("-", "_")) for package in gone}
    return f"import sys\nsys.modules.update(dict.fromkeys({sorted(blocked)!r}))\n"


def run(code: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": str(ROOT), "HOME": str(folder), **env}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=given, cwd=folder)


def test_a_node_needs_only_the_worker_extra(tmp_path: Path) -> None:
    code = without("bridge") + "import workers.tasks, workers.training, workers.detection, workers.node\n"
    code += "from bridge.cli.main import main\nmain(['worker'])\n"
    told = run(code, tmp_path)
    assert "LABELBRIDGE_REDIS_URL" in told.stderr
    assert told.returncode == 1


def test_bare_commands_need_no_extra(tmp_path: Path) -> None:
    (tmp_path / "coco.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9, "state": "labelled"}],'
        ' "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 0, 4]}],'
        ' "categories": [{"id": 1, "name": "bolt"}]}'
    )
    code = without("bridge", "worker") + "from bridge.cli.main import main\nmain(['check', './coco.json', '--json'])\n"
    told = run(code, tmp_path)
    assert "zero-area" in told.stdout, told.stderr
    assert told.returncode == 1


def test_the_document_names_what_is_there() -> None:
    text = (ROOT / "docs/deploy.md").read_text("utf-8")
    wrong = [wrong_with(line) for line in command_lines(text)]
    assert len(wrong) > 10
    assert [w for w in wrong if w] == []
    for file in re.findall(r"--file (deploy/\S+)|\((?:\.\./)?(deploy/\S+?)\)", text):
        assert (ROOT / next(filter(None, file))).is_file()
    assert set(re.findall(r"\bLABELBRIDGE_[A-Z_]+", text)) <= set(settings())
