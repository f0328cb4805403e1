"""Labels in and out: import, export, check, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.cli.command import Call, command, is_path, network_size
from bridge.cli.console import finding_json
from bridge.errors import RefusedError, UsageError
from bridge.model.finding import Finding, Severity
from bridge.plugin import ReadOptions, WriteOptions

commands = click.Group()

_READ_OPTIONS = (
    click.option(
        "--images", type=click.Path(path_type=Path), help="Folder of the pictures, if not where the file says."
    ),
    click.option(
        "--order",
        type=click.Choice(["auto", "ntfs", "bytes", "created"]),
        default="auto",
        show_default=True,
        help="File order of a VoTT v1 project that knows its pictures by number.",
    ),
    click.option(
        "--label-config", type=click.Path(path_type=Path, exists=True), help="Label Studio's label config (XML)."
    ),
)


def _reading(function: Any) -> Any:
    for option in reversed(_READ_OPTIONS):
        function = option(function)
    return function


def _read_options(call: Call, images: Path | None, order: Any, label_config: Path | None) -> ReadOptions:
    return ReadOptions(images, order, label_config, call.settings.max_file_megabytes, call.settings.max_megapixels)


@command(commands, "import")
@click.argument("project")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "format_name", default="auto", show_default=True, help="Format of PATH.")
@_reading
def import_(
    call: Call, project: str, path: Path, format_name: str, images: Path | None, order: str, label_config: Path | None
) -> int:
    """Read labels into PROJECT (made if missing): a VoTT project, a Label Studio export, a darknet folder, COCO."""
    from bridge.loop.intake import IntakeOptions, import_path

    options = IntakeOptions(format_name, _read_options(call, images, order, label_config), call.who)
    try:
        with call.console.progress("importing", path=path.name) as progress:
            done = import_path(call.open(create=True), project, path, options, progress)
    except RefusedError as refusal:
        call.console.emit(_refused(refusal))
        if not call.console.json:
            call.console.error(refusal)
        return refusal.exit_code
    call.console.findings(done.findings)
    call.console.say("imported", images=done.images, boxes=done.boxes, revisions=done.revisions, project=done.project)
    call.console.emit(
        {
            "status": "ok",
            "project": done.project,
            "order": done.order,
            "images": done.images,
            "boxes": done.boxes,
            "revisions": done.revisions,
            "findings": [finding_json(f) for f in done.findings],
        }
    )
    return 0


def _refused(refusal: RefusedError) -> dict[str, Any]:
    from bridge.cli.console import error_json

    error = error_json(refusal)
    found = error.pop("findings", [])
    return {
        "status": "refused",
        "order": error.get("order"),
        "images": 0,
        "boxes": 0,
        "findings": found,
        "error": error,
    }


@command(commands, "export")
@click.argument("project")
@click.argument("format_name", metavar="FORMAT")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--pictures",
    type=click.Choice(["link", "copy", "none"]),
    default="link",
    show_default=True,
    help="Put pictures beside the labels as hard links, as copies, or not at all.",
)
@click.option("--allow-loss", is_flag=True, help="Write even if FORMAT cannot hold everything.")
@_reading
def export_(
    call: Call,
    project: str,
    format_name: str,
    out: Path,
    pictures: Any,
    allow_loss: bool,
    images: Path | None,
    order: str,
    label_config: Path | None,
) -> int:
    """Write PROJECT (or a bare file or folder) as FORMAT to OUT."""
    from bridge.loop.convert import export_path
    from bridge.loop.export import export

    with call.console.progress("exporting", path=out.name) as progress:
        options = WriteOptions(pictures, progress)
        if is_path(project):
            from bridge.registry import Registry

            read = _read_options(call, images, order, label_config)
            known = Registry(call.settings.data / "plugins")
            found = export_path(known, Path(project), format_name, out, read, options, allow_loss)
        else:
            found = export(call.open(), project, format_name, out, options, allow_loss)
    call.console.findings(found)
    call.console.say("exported", out=out, format=format_name)
    call.console.emit({"status": "ok", "out": str(out), "findings": [finding_json(f) for f in found]})
    return 0


@command(commands, "check")
@click.argument("project")
@click.option(
    "--fix", is_flag=True, help="Mend what is safe: clip to the picture, swap corners, drop exact duplicates."
)
@click.option("--fail-on", type=click.Choice(["error", "warning"]), default="error", show_default=True)
@click.option("--size", "network", callback=network_size, help="Network size that boxes are judged at [416x416].")
@_reading
def check_(
    call: Call,
    project: str,
    fix: bool,
    fail_on: str,
    network: tuple[int, int] | None,
    images: Path | None,
    order: str,
    label_config: Path | None,
) -> int:
    """Check PROJECT (or a bare file or folder); exit code 1 when something at least as bad as --fail-on was found."""
    from bridge.loop.check import check
    from bridge.loop.validate import NETWORK, check_path

    if is_path(project):
        from bridge.registry import Registry

        if fix:
            raise UsageError("fix-needs-project", path=project)
        known = Registry(call.settings.data / "plugins")
        options = _read_options(call, images, order, label_config)
        checked = check_path(known, Path(project), options, network, call.settings.validator_seconds)
    else:
        with call.console.progress("checking", project=project) as progress:
            checked = check(call.open(), project, fix, network or NETWORK, call.who, progress)
    call.console.findings(checked.findings)
    if fix:
        call.console.say("fixed", n=checked.fixed)
    _say_count(call, checked.findings)
    call.console.emit({"findings": [finding_json(f) for f in checked.findings], "fixed": checked.fixed})
    bad = {Severity.ERROR} if fail_on == "error" else {Severity.ERROR, Severity.WARNING}
    return 1 if any(f.severity in bad for f in checked.findings) else 0


def _say_count(call: Call, found: tuple[Finding, ...]) -> None:
    counts = {s: sum(f.severity is s for f in found) for s in Severity}
    call.console.say(
        "checked", errors=counts[Severity.ERROR], warnings=counts[Severity.WARNING], infos=counts[Severity.INFO]
    )


@command(commands, "undo")
@click.argument("project")
@click.option("--image", help="Take back the last change of this picture, instead of the last safe fixes.")
def undo_(call: Call, project: str, image: str | None) -> int:
    """Take back the last safe fixes of PROJECT, or the last change of one picture."""
    from bridge.loop.undo import undo

    n = undo(call.open(), project, image, call.who)
    call.console.say("undone", n=n)
    call.console.emit({"undone": n})
    return 0
