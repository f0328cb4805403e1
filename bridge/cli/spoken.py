"""Help in the reader's language: the sentences of commands and options are in the catalogue "help"."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import click

from bridge import texts
from bridge.cli.wrapping import Formatter

# Options that every command has; they are told last.
EVERYWHERE = ("json", "lang", "data", "server", "token", "help")


def language(ctx: click.Context) -> str:
    """The language of this call: --lang where it came before --help, else that of the surroundings."""
    return texts.language_of(ctx.params.get("lang") or os.environ.get("LABELBRIDGE_LANG", ""))


def key_of(ctx: click.Context) -> str:
    """A command's key: "run-show" for `labelbridge run show`, "" for labelbridge itself."""
    return "-".join(ctx.command_path.split()[1:])


def written(option: click.Option) -> str:
    """An option as people write it, without its dashes."""
    return option.opts[-1].lstrip("-")


def told(ctx: click.Context, *keys: str, otherwise: str | None = "") -> str:
    """The sentence of the first key that the catalogue "help" has, or what stands in the code."""
    known = texts.catalogue("en", "help")
    found = next((key for key in keys if key in known), None)
    return texts.render("help", found, {}, language(ctx)) if found else otherwise or ""


class SpokenContext(click.Context):
    """A call whose help pages fit the terminal."""

    formatter_class = Formatter


class Spoken(click.Command):
    """A command that explains itself in the reader's language."""

    context_class = SpokenContext

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The line that shows how it is called."""
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), told(ctx, "usage") + " ")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What it does, and what else is good to know."""
        key = key_of(ctx)
        for text in (told(ctx, f"command.{key}", otherwise=self.help), told(ctx, f"more.{key}")):
            if text:
                formatter.write_paragraph()
                with formatter.indentation():
                    formatter.write_text(text)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own options, then those that every command has."""
        shown = [p for p in self.get_params(ctx) if isinstance(p, click.Option) and not p.hidden]
        own = [p for p in shown if written(p) not in EVERYWHERE]
        for heading, options in (("options", own), ("everywhere", [p for p in shown if p not in own])):
            if options:
                with formatter.section(told(ctx, heading)):
                    formatter.write_dl([_record(ctx, option) for option in options])


def _record(ctx: click.Context, option: click.Option) -> tuple[str, str]:
    """An option as it is written, and what it does."""
    record = option.get_help_record(ctx)
    assert record is not None
    key, name = key_of(ctx), written(option)
    meaning = told(ctx, f"option.{key}-{name}", f"option.{name}", otherwise=option.help)
    extra = option.get_help_extra(ctx)
    if "default" in extra:
        meaning += f" {told(ctx, 'default').format(value=extra['default'])}"
    if "required" in extra:
        meaning += f" {told(ctx, 'required')}"
    return record[0], meaning


class SpokenGroup(Spoken, click.Group):
    """Commands under one name."""

    command_class = Spoken

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its options, and every command with its sentence."""
        Spoken.format_options(self, ctx, formatter)
        key = key_of(ctx)
        for heading, names in self.sections(ctx):
            with formatter.section(told(ctx, heading)):
                rows = [(name, told(ctx, f"command.{f'{key}-' if key else ''}{name}")) for name in names]
                formatter.write_dl(rows)

    def sections(self, ctx: click.Context) -> Iterator[tuple[str, Sequence[str]]]:
        """Headings, as keys of the catalogue, with their commands."""
        yield "commands", self.list_commands(ctx)
