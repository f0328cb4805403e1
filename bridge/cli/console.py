"""What a command says: sentences for people, or one JSON document on stdout; progress always on stderr."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from bridge import texts
from bridge.cli.wrapping import folded
from bridge.errors import BridgeError
from bridge.model.finding import Finding, Severity

if TYPE_CHECKING:
    from rich.console import Console as Rich

COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_STATES = {"done": "green", "running": "cyan", "failed": "red", "cancelled": "yellow"}
# Of findings without a picture each says something else: so many are shown. --json has them all.
_SHOWN = 3
_WIDE = 10_000
# So many other pictures of a rule are named.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Console:
    """How this command speaks."""

    json: bool
    language: str

    def text(self, key: str, **fields: Any) -> str:
        """A sentence of the catalogue cli."""
        return texts.render("cli", key, fields, self.language)

    def say(self, key: str, **fields: Any) -> None:
        """A sentence of the catalogue cli, unless JSON is wanted."""
        self.line(self.text(key, **fields))

    def line(self, text: str, style: str | None = None) -> None:
        """A line on stdout, unless JSON is wanted; in a terminal it breaks between words."""
        if not self.json:
            _print(sys.stdout, text, style)

    def raw(self, text: str, style: str | None = None) -> None:
        """A line of another program, as it is."""
        if not self.json:
            _rich(sys.stdout).print(text, style=style, markup=False)

    def emit(self, value: Any) -> None:
        """The JSON document of a command; nothing where people read."""
        if self.json:
            _write(_encoded(value) + b"\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str = "") -> None:
        """A table for people; columns are keys of the catalogue cli, empty is what is said when there are no rows."""
        if self.json:
            return
        if not rows:
            if empty:
                self.say(empty)
            return
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
        for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
            numbers = all(isinstance(cell, int | float | None) for cell in cells)
            table.add_column(self.text(f"column.{column}"), justify="right" if numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(_cell(column, cell) for column, cell in zip(columns, row, strict=True)))
        _rich(sys.stdout, soft_wrap=False).print(table)

    def facts(self, rows: Sequence[tuple[str, Any]]) -> None:
        """Names, as columns, with what they are; those without anything are left out."""
        if self.json:
            return
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for name, value in rows:
            if value not in (None, "", ()):
                table.add_row(self.text(f"column.{name}"), _cell(name, value))
        _rich(sys.stdout, soft_wrap=False).print(table)

    def findings(self, found: Sequence[Finding], most: int = 1) -> None:
        """Findings by rule, errors first: one of each in full, other pictures by name; or so many in full."""
        if self.json:
            return
        order = list(Severity)
        by_rule: dict[tuple[Severity, str], list[Finding]] = {}
        for finding in found:
            by_rule.setdefault((finding.severity, finding.rule), []).append(finding)
        for (severity, rule), group in sorted(by_rule.items(), key=lambda kv: (order.index(kv[0][0]), kv[0][1])):
            self.line(f"{self.text(f'severity.{severity.value}')}  {rule} ({len(group)})", COLORS[severity])
            self._group(group) if most == 1 else self._listed(group, most)

    def _listed(self, group: Sequence[Finding], most: int) -> None:
        for finding in group[:most]:
            self.line(f"  {_where(finding)}{message(finding, self.language)}")
        if len(group) > most:
            self.say("findings-more", n=len(group) - most)

    def _group(self, group: Sequence[Finding]) -> None:
        loose = [f for f in group if f.image is None]
        placed = [f for f in group if f.image is not None]
        for finding in (*placed[:1], *loose[:_SHOWN]):
            self.line(f"  {_where(finding)}{message(finding, self.language)}")
        others = [n for n in dict.fromkeys(str(f.image) for f in placed) if n != placed[0].image]
        if others:
            more = len(others) - _NAMED
            key = "findings-also-more" if more > 0 else "findings-also"
            self.say(key, names=self.text("comma").join(others[:_NAMED]), n=more)
        if len(loose) > _SHOWN:
            self.say("findings-more", n=len(loose) - _SHOWN)

    @contextmanager
    def progress(self, key: str, **fields: Any) -> Iterator[Callable[[int, int], None]]:
        """A bar with the time left on stderr, where a person looks; else nothing."""
        if not sys.stderr.isatty():
            yield lambda done, total: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=_rich(sys.stderr), transient=True) as bar:
            task = bar.add_task(self.text(key, **fields), total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total or None)

    def error(self, error: BridgeError, most: int = 1) -> None:
        """What went wrong: JSON on stdout, or a sentence on stderr, and its findings (so many of a rule in full)."""
        if self.json:
            self.emit({"error": error_json(error)})
            return
        sentence = texts.render("errors", error.rule, error.fields, self.language)
        _print(sys.stderr, sentence, "red")
        self.findings(_findings_of(error), most)


def _where(finding: Finding) -> str:
    """The picture that a finding is about, and where in it."""
    x, y = finding.fields.get("x"), finding.fields.get("y")
    place = f" ({x:g}, {y:g})" if isinstance(x, int | float) and isinstance(y, int | float) else ""
    return f"{finding.image}{place}: " if finding.image is not None else ""


def _rich(file: TextIO, soft_wrap: bool = True) -> Rich:
    from rich.console import Console as Rich

    # What goes into a file or another program is not folded.
    return Rich(file=file, soft_wrap=soft_wrap, width=None if file.isatty() else _WIDE, highlight=False, emoji=False)


def _print(file: TextIO, text: str, style: str | None) -> None:
    if not file.isatty():  # Neither colours nor folding, and rich takes longer to come than many a command runs.
        file.write(text + "\n")
        return
    rich = _rich(file)
    lines = [part for line in text.split("\n") for part in folded(line, rich.width)]
    rich.print("\n".join(lines), style=style, markup=False)


def _cell(column: str, value: Any) -> Any:
    """A value in a table: states have colours, times are those of this machine."""
    from rich.text import Text

    if value is None:
        return ""
    if column == "created":
        value = _here(value)
    return Text(str(value), style=_STATES.get(str(value), "") if column == "state" else "")


def _here(written: str) -> str:
    """A time as it is stored, as a clock on the wall shows it."""
    from datetime import datetime

    return datetime.fromisoformat(written).astimezone().strftime("%Y-%m-%d %H:%M")


def _write(data: bytes) -> None:
    """Bytes on stdout; JSON is UTF-8 whatever the terminal speaks."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def _encoded(value: Any) -> bytes:
    import msgspec

    try:
        return msgspec.json.format(msgspec.json.encode(value, enc_hook=str))
    except UnicodeEncodeError:  # A file name that is no text: JSON's own \udcXX brings it back as it was.
        import json

        return json.dumps(_finite(msgspec.to_builtins(value, enc_hook=str)), indent=2).encode()


def _finite(value: Any) -> Any:
    """Plain values with null where a number is none."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def message(finding: Finding, language: str = "en") -> str:
    """The sentence of a finding."""
    fields = {"image": finding.image, "region": finding.region, **finding.fields}
    return texts.render("findings", finding.rule, fields, language)


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as other programs read it."""
    fixed: dict[str, Any] = {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "image": finding.image,
        "message": message(finding),
    }
    if finding.region is not None:
        fixed["region"] = finding.region
    if finding.fix is not None:
        fixed["fix"] = finding.fix.value
    return {**finding.fields, **fixed}


def _findings_of(error: BridgeError) -> list[Finding]:
    """The findings that an error carries; those of a server come as plain values."""
    import msgspec

    return [f if isinstance(f, Finding) else msgspec.convert(f, Finding) for f in error.fields.get("findings", ())]


def error_json(error: BridgeError) -> dict[str, Any]:
    """An error as other programs read it."""
    fields: Mapping[str, Any] = error.fields
    if "findings" in fields:
        fields = {**fields, "findings": [finding_json(f) for f in _findings_of(error)]}
    return {**fields, "name": error.rule, "message": texts.render("errors", error.rule, error.fields)}
