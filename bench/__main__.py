"""`python -m bench [NAME …] [--quick]`: all measurements, or those named, one after the other."""

from __future__ import annotations

import importlib
import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.measure import Row

NAMES = (
    "vott_to_darknet",
    "vott_import",
    "store",
    "webhooks",
    "annotator",
    "evaluate",
    "intervals",
    "anchors",
    "near_duplicates",
)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--quick", is_flag=True, help="Small inputs, to see that it works; the figures mean little.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where inputs and outputs lie [memory, if there is any]."
)
def bench(names: tuple[str, ...], quick: bool, folder: Path | None) -> None:
    """Measure, and print ours beside the peer or the limit of the same run."""
    place = folder or (Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir()))
    rows: list[Row] = []
    for name in names or NAMES:
        with tempfile.TemporaryDirectory(dir=place, prefix="labelbridge-bench-") as work:
            rows += importlib.import_module(f"bench.{name}").measure(Path(work) / name, quick)
    _print(rows)


def _print(rows: list[Row]) -> None:
    load = ", ".join(f"{n:.1f}" for n in os.getloadavg())
    title = f"{datetime.now(UTC):%Y-%m-%d} · {platform.machine()}, {os.cpu_count()} cores, load {load}"
    table = Table(title=title, title_justify="left")
    for column in ("what", "labelbridge", "beside", "ratio", "wanted", ""):
        table.add_column(column)
    for row in rows:
        mark = "" if row.met is None else "met" if row.met else "missed"
        table.add_row(row.what, row.ours, row.peer, row.ratio, row.wanted, mark)
    Console(width=160).print(table)


if __name__ == "__main__":
    bench()
