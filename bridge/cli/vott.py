"""What VoTT v1 left behind, on bare files: verify-export, tidy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.cli.command import Call, command
from bridge.cli.console import finding_json

commands = click.Group()

_IMAGES = click.option("--images", type=click.Path(path_type=Path), metavar="FOLDER")
_ORDER = click.option(
    "--order", type=click.Choice(["auto", "ntfs", "bytes", "created"]), default="auto", show_default=True
)


@command(commands, "verify-export")
@click.argument("project", type=click.Path(path_type=Path), metavar="JSON")
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--fix", type=click.Path(path_type=Path), metavar="OUT")
@click.option("--pictures", type=click.Choice(["link", "copy", "none"]), default="link", show_default=True)
@_IMAGES
@_ORDER
def verify_export_(
    call: Call, project: Path, labels: Path, fix: Path | None, pictures: Any, images: Path | None, order: Any
) -> int:
    """Which labels of a darknet export of VoTT v1 are damaged, and by which of its faults."""
    from bridge.loop.verify import verify_export, write_right
    from bridge.plugin import ReadOptions, WriteOptions

    settings = call.settings
    read = ReadOptions(images, order, None, settings.max_file_megabytes, settings.max_megapixels)
    with call.console.progress("verifying", path=project.name):
        verified = verify_export(call.plugins(), project, labels, read)
    call.console.findings(verified.findings)
    call.console.say("verified", checked=verified.checked, right=verified.right)
    if not verified.damaged:
        call.console.say("verified-sound")
    told = {
        "status": "damaged" if verified.damaged else "ok",
        "checked": verified.checked,
        "right": verified.right,
        "damaged": verified.damaged,
        "findings": [finding_json(f) for f in verified.findings],
    }
    if fix is not None:
        with call.console.progress("exporting", path=fix.name) as progress:
            options = WriteOptions(pictures, progress)
            notes = write_right(call.plugins(), project, labels, fix, verified, read, options)
        call.console.findings(notes)
        call.console.say("verified-fixed", out=fix)
        told |= {"out": str(fix), "notes": [finding_json(f) for f in notes]}
    call.console.emit(told)
    return 1 if verified.damaged else 0


@command(commands, "tidy")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--names", type=click.Choice(["safe", "hash"]), default="safe", show_default=True)
@click.option("--dry-run", is_flag=True)
@click.option("--undo", is_flag=True)
@_IMAGES
@_ORDER
def tidy_(call: Call, folder: Path, names: Any, dry_run: bool, undo: bool, images: Path | None, order: Any) -> int:
    """Give pictures, and the VoTT v1 project beside them, names that every darknet can read."""
    from bridge.loop.tidy import tidy
    from bridge.plugin import ReadOptions

    settings = call.settings
    read = ReadOptions(images, order, None, settings.max_file_megabytes, settings.max_megapixels)
    with call.console.progress("tidying", path=folder.name):
        done = tidy(call.plugins(), folder, names, read, undo, dry_run)
    call.console.findings(done.findings)
    call.console.table(("old", "new"), done.renames)
    call.console.say(_ending(done.changed, dry_run, undo), n=len(done.renames), path=done.folder)
    if done.project is not None and done.changed:
        call.console.say("tidied-project", project=done.project)
    call.console.emit(
        {
            "status": "ok" if done.changed else "planned" if dry_run else "unchanged",
            "folder": done.folder,
            "project": done.project,
            "order": done.order,
            "renames": [{"from": old, "to": new} for old, new in done.renames],
            "findings": [finding_json(f) for f in done.findings],
        }
    )
    return 0


def _ending(changed: bool, dry_run: bool, undo: bool) -> str:
    if dry_run:
        return "tidy-planned"
    if not changed:
        return "tidy-unchanged"
    return "tidy-undone" if undo else "tidied"
