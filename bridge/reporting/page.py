"""A report as HTML: one file that needs nothing else, or the fragment that a page of the server shows."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bridge.model.report import Report
from bridge.reporting import charts, drawing
from bridge.reporting.caveats import caveats
from bridge.reporting.difference import why_different
from bridge.reporting.matrix import matrix
from bridge.reporting.measure import measure, percent
from bridge.reporting.provenance import beside_the_number, groups, moment
from bridge.texts import LANGUAGES, catalogue, render

TEMPLATES = Path(__file__).parent / "templates"
STYLES = ("base.css", "report.css")


def render_report(report: Report, language: str = "en") -> str:
    """A whole HTML document with style sheet, chart and pictures inside; it asks for nothing from outside."""
    language = language if language in LANGUAGES else "en"
    page = _templates().get_template("report.html")
    title = render("report", "title", {"project": report.project}, language)
    return page.render(
        language=language, title=title, style=Markup(stylesheet()), fragment=report_fragment(report, language)
    )


def report_fragment(report: Report, language: str = "en") -> Markup:
    """The report as an <article> for a page that already has the style sheets."""
    language = language if language in LANGUAGES else "en"
    template = _templates().get_template("fragment.html")
    return Markup(template.render(**_content(report, language)))


def stylesheet() -> str:
    """The style sheets of page and report, base first."""
    return "\n".join((TEMPLATES / name).read_text("utf-8") for name in STYLES)


def _content(report: Report, language: str) -> dict[str, Any]:
    def say(key: str, **fields: Any) -> str:
        return render("report", key, fields, language)

    def rule(name: str) -> str:
        return say(f"rule.{name}") if f"rule.{name}" in catalogue("en", "report") else name

    best = report.best_row
    least = float(report.facts.get("shown_threshold", 0.25))
    return {
        "report": report,
        "language": language,
        "say": say,
        "rule": rule,
        "percent": percent,
        "best": best,
        "measure": measure(best.scores, language) if best else "",
        "moment": moment,
        "beside": beside_the_number(report, language),
        "why": why_different(best.scores, best.coco, language) if best and best.coco else "",
        "caveats": [say(f"caveat.{key}", **fields) for key, fields in caveats(report)],
        "chart": charts.chart_svg(report, language),
        "chart_narrow": charts.chart_svg(report, language, charts.NARROW),
        "matrix": matrix(report),
        "examples": [(e, drawing.drawing(e, report.classes, least), drawing.tally(e, least)) for e in report.examples],
        "least": round(100 * least),
        "groups": groups(report, language),
    }


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
