"""What a command says: sentences for people, or one JSON document on stdout; progress always on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from bridge import texts
from bridge.errors import BridgeError
from bridge.model.finding import Finding, Severity

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
# A list in the terminal shows this many findings of a rule; --json has them all.
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Console:
    """How this command speaks."""

    json: bool
    language: str

    def say(self, key: str, **fields: Any) -> None:
        """A sentence of the catalogue cli, unless JSON is wanted."""
        if not self.json:
            self.line(texts.render("cli", key, fields, self.language))

    def line(self, text: str, style: str | None = None) -> None:
        """A line on stdout."""
        from rich.console import Console as Rich

        Rich(soft_wrap=True, highlight=False).print(text, style=style, markup=False)

    def emit(self, value: Any) -> None:
        """The JSON document of a command; nothing where people read."""
        if self.json:
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode() + "\n")
            sys.stdout.flush()

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table for people; columns are keys of the catalogue cli."""
        if self.json:
            return
        from rich.console import Console as Rich
        from rich.table import Table

        table = Table(title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(texts.render("cli", f"column.{column}", {}, self.language))
        for row in rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
        Rich(soft_wrap=not sys.stdout.isatty(), highlight=False).print(table)

    def findings(self, found: Sequence[Finding]) -> None:
        """Findings by rule, errors first, a few of each."""
        if self.json:
            return
        order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
        by_rule: dict[tuple[Severity, str], list[Finding]] = {}
        for finding in found:
            by_rule.setdefault((finding.severity, finding.rule), []).append(finding)
        for (severity, rule), group in sorted(by_rule.items(), key=lambda kv: (order[kv[0][0]], kv[0][1])):
            self.line(f"{severity.value} {rule} ({len(group)})", _COLORS[severity])
            for finding in group[:_SHOWN]:
                where = f"{finding.image}: " if finding.image is not None else ""
                self.line(f"  {where}{message(finding, self.language)}")
            if len(group) > _SHOWN:
                self.say("and-more", n=len(group) - _SHOWN)

    @contextmanager
    def progress(self, key: str, **fields: Any) -> Iterator[Callable[[int, int], None]]:
        """A bar with the time left on stderr, where a person looks; else nothing."""
        if not sys.stderr.isatty():
            yield lambda done, total: None
            return
        from rich.console import Console as Rich
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Rich(stderr=True), transient=True) as bar:
            task = bar.add_task(texts.render("cli", key, fields, self.language), total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def error(self, error: BridgeError) -> None:
        """What went wrong: JSON on stdout, or a sentence on stderr."""
        self.emit({"error": error_json(error)})
        if not self.json:
            from rich.console import Console as Rich

            sentence = texts.render("errors", error.rule, error.fields, self.language)
            Rich(stderr=True, soft_wrap=True, highlight=False).print(sentence, style="red", markup=False)
            self.findings([f for f in error.fields.get("findings", ()) if isinstance(f, Finding)])


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


def error_json(error: BridgeError) -> dict[str, Any]:
    """An error as other programs read it."""
    fields: Mapping[str, Any] = {
        key: [finding_json(f) for f in value] if key == "findings" else value for key, value in error.fields.items()
    }
    return {**fields, "name": error.rule, "message": texts.render("errors", error.rule, error.fields)}
