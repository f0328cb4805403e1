"""Labels in and out: import, export, check, undo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.command import Call, command, project_or_path
from bridge.cli.console import error_json, finding_json
from bridge.cli.refused import say_refused
from bridge.cli.values import Word, network_size
from bridge.errors import NotFoundError, RefusedError, UsageError
from bridge.model.finding import Finding, Severity

if TYPE_CHECKING:
    from bridge.loop.validate import Checked
    from bridge.plugin import ReadOptions

commands = click.Group()

_READ_OPTIONS = (
    click.option("--images", type=click.Path(path_type=Path), metavar="FOLDER"),
    click.option("--order", type=click.Choice(["auto", "ntfs", "bytes", "created"]), default="auto", show_default=True),
    click.option("--leave-newer", is_flag=True),
    click.option("--label-config", type=click.Path(path_type=Path), metavar="FILE"),
    click.option("--security-token", metavar="KEY"),
)

# So many losses of a kind are shown; --json has them all.
_LOSSES_SHOWN = 5


def _reading(function: Any) -> Any:
    for option in reversed(_READ_OPTIONS):
        function = option(function)
    return function


def _read_options(
    call: Call,
    images: Path | None,
    order: Any,
    leave_newer: bool,
    label_config: Path | None,
    security_token: str | None,
) -> ReadOptions:
    from bridge.plugin import ReadOptions

    bounds = (call.settings.max_file_megabytes, call.settings.max_megapixels)
    token = security_token or call.settings.vott_token
    return ReadOptions(images, order, label_config, *bounds, security_token=token, leave_newer=leave_newer)


def _known_format(call: Call, name: str) -> str:
    """The name of a format; raises UsageError when there is none of that name."""
    known = call.plugins().names("format")
    if name not in known:
        raise UsageError("format-missing-here", format=name, known=", ".join(known))
    return name


@command(commands, "import")
@click.argument("project", type=Word())
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "format_name", metavar="FORMAT", default="auto", show_default=True)
@_reading
def import_(call: Call, project: str, path: Path, format_name: str, **reading: Any) -> int:
    """Read labels into PROJECT (made if missing): a VoTT project, Label Studio export, darknet folder, COCO, VOC."""
    from bridge.loop.intake import IntakeOptions, import_path

    if format_name != "auto":
        _known_format(call, format_name)
    if not path.exists():  # Else a slip of the pen would leave an empty data folder behind.
        raise NotFoundError("path-missing", path=str(path))
    options = IntakeOptions(format_name, _read_options(call, **reading), call.who)
    try:
        with call.console.progress("importing", path=path.name) as progress:
            done = import_path(call.open(create=True), project, path, options, progress)
    except RefusedError as refusal:
        return _say_refused(call, refusal)
    call.console.findings(done.findings)
    call.console.say("imported", images=done.images, boxes=done.boxes, revisions=done.revisions, project=project)
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


def _say_refused(call: Call, refusal: RefusedError) -> int:
    """A person must decide; in JSON it is the same object as of an import that went well."""
    if not call.console.json:
        return say_refused(call, refusal)
    error = error_json(refusal)
    found = error.pop("findings", [])
    told = {"status": "refused", "order": error.get("order"), "images": 0, "boxes": 0, "findings": found}
    call.console.emit({**told, "error": error})
    return refusal.exit_code


@command(commands, "export")
@click.argument("project", type=Word())
@click.argument("format_name", metavar="FORMAT")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--pictures", type=click.Choice(["link", "copy", "none"]), default="link", show_default=True)
@click.option("--images-as", metavar="FOLDER", default="")
@click.option("--project-as", metavar="FOLDER", default="")
@click.option("--allow-loss", is_flag=True)
@_reading
def export_(
    call: Call,
    project: str,
    format_name: str,
    out: Path,
    pictures: Any,
    images_as: str,
    project_as: str,
    allow_loss: bool,
    **reading: Any,
) -> int:
    """Write PROJECT (or a bare file or folder) as FORMAT to OUT."""
    from bridge.plugin import WriteOptions

    _known_format(call, format_name)
    if (images_as and format_name != "vott-v2") or (project_as and not images_as):
        raise UsageError("images-as-not-here", format=format_name)
    with call.console.progress("exporting", path=out.name) as progress:
        options = WriteOptions(pictures, progress, images_as=images_as, project_as=project_as)
        try:
            if call.is_path(project):
                from bridge.loop.convert import export_path

                read = _read_options(call, **reading)
                found = export_path(call.plugins(), Path(project), format_name, out, read, options, allow_loss)
            else:
                from bridge.loop.export import export

                with project_or_path(project):
                    found = export(call.open(), project, format_name, out, options, allow_loss)
        except RefusedError as refusal:
            if refusal.rule != "export-loses":
                raise
            return _say_losses(call, refusal)
    call.console.findings(found)
    call.console.say("exported", out=out, format=format_name)
    call.console.emit({"status": "ok", "out": str(out), "findings": [finding_json(f) for f in found]})
    return 0


def _say_losses(call: Call, refusal: RefusedError) -> int:
    """What would be lost: the first of each kind, or all of it in JSON, where an export that went well has findings."""
    if not call.console.json:
        call.console.error(refusal, _LOSSES_SHOWN)
        return refusal.exit_code
    error = error_json(refusal)
    found = error.pop("findings", [])
    call.console.emit({"status": "refused", "out": None, "findings": found, "error": error})
    return refusal.exit_code


@command(commands, "check", remote=True)
@click.argument("project", type=Word())
@click.option("--fix", is_flag=True)
@click.option("--fail-on", type=click.Choice(["error", "warning"]), default="error", show_default=True)
@click.option("--size", "network", callback=network_size, metavar="SIZE")
@_reading
def check_(call: Call, project: str, fix: bool, fail_on: str, network: tuple[int, int] | None, **reading: Any) -> int:
    """Check PROJECT (or a bare file or folder); exit code 1 when something at least as bad as --fail-on was found."""
    with call.console.progress("checking", project=project) as progress:
        if call.is_path(project):
            checked = _check_path(call, project, fix, network, _read_options(call, **reading))
        else:
            from bridge.loop.validate import NETWORK

            with project_or_path(project):
                checked = call.side().check(project, fix, network or NETWORK, progress)
    call.console.findings(checked.findings)
    if fix:
        call.console.say("fixed" if checked.fixed else "fixed-none", n=checked.fixed)
    _say_count(call, checked.findings)
    call.console.emit({"findings": [finding_json(f) for f in checked.findings], "fixed": checked.fixed})
    bad = {Severity.ERROR} if fail_on == "error" else {Severity.ERROR, Severity.WARNING}
    return 1 if any(f.severity in bad for f in checked.findings) else 0


def _check_path(call: Call, path: str, fix: bool, network: tuple[int, int] | None, options: ReadOptions) -> Checked:
    from bridge.loop.validate import check_path

    if fix:
        raise UsageError("fix-needs-project", path=path)
    if call.there:
        raise UsageError("path-not-there", path=path)
    return check_path(call.plugins(), Path(path), options, network, call.settings.validator_seconds)


def _say_count(call: Call, found: tuple[Finding, ...]) -> None:
    counts = {s: sum(f.severity is s for f in found) for s in Severity}
    key = "checked" if found else "checked-clean"
    call.console.say(key, errors=counts[Severity.ERROR], warnings=counts[Severity.WARNING], infos=counts[Severity.INFO])


@command(commands, "undo")
@click.argument("project", type=Word())
@click.option("--image", metavar="NAME")
def undo_(call: Call, project: str, image: str | None) -> int:
    """Take back the last safe fixes of PROJECT, or the last change of one picture."""
    from bridge.loop.undo import undo

    n = undo(call.open(), project, image, call.who)
    call.console.say("undone", n=n)
    call.console.emit({"undone": n})
    return 0
