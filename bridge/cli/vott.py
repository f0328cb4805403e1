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
