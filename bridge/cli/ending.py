"""How a call ends: its exit code, and what is said when it went wrong; never a traceback that nobody asked for.

0 done; 1 failed; 2 called wrongly; 3 a person must decide; 130 interrupted. A closed pipe is no failure.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches

import click

from bridge.cli.console import Console
from bridge.cli.evidence import say_evidence
from bridge.errors import BridgeError, InputError, UsageError
from bridge.texts import language_of

INTERRUPTED = 130


def run(program: click.Command, argv: Sequence[str] | None = None) -> int:
    """Call a program and give its exit code; argv is without its name (None: what this process was called with)."""
    _prepare_streams()
    said = list(sys.argv[1:] if argv is None else argv)
    console = Console("--json" in said, language_of(_lang(said) or os.environ.get("LABELBRIDGE_LANG", "")))
    try:
        code = program.main(argv, prog_name="labelbridge", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except (click.Abort, KeyboardInterrupt):
        return _end(console, BridgeError("interrupted"), INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # `labelbridge … | head`; click turns the one into the other.
        _close_stdout()
        return 0
    except click.exceptions.NoArgsIsHelpError as error:
        return _end(console, named(error)) if console.json else _show_help(error)
    except Exception as error:
        return _end(console, named(error))


def _prepare_streams() -> None:
    """A terminal that cannot show a character gets a question mark; a closed stream swallows all."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _lang(said: Sequence[str]) -> str:
    """The language that the command line asks for, also when it cannot be understood otherwise."""
    words = " ".join(said).replace("--lang=", "--lang ").split()
    return words[words.index("--lang") + 1] if "--lang" in words[:-1] else ""


def named(error: Exception) -> BridgeError:
    """An error with a name and fields, whatever was raised."""
    if isinstance(error, BridgeError):
        return error
    if isinstance(error, click.ClickException):
        return _wrong_usage(error)
    if os.environ.get("LABELBRIDGE_LOG_LEVEL") == "debug":
        import traceback

        traceback.print_exception(error)
    if isinstance(error, OSError) and error.filename is not None:
        return InputError("file-unreadable", path=str(error.filename), reason=error.strerror or str(error))
    return BridgeError("unexpected-here", kind=type(error).__name__, reason=str(error)[:500])


def _wrong_usage(error: click.ClickException) -> UsageError:
    ctx: click.Context | None = getattr(error, "ctx", None)
    told = {"command": ctx.command_path if ctx else "labelbridge", "reason": error.format_message()}
    if isinstance(error, click.MissingParameter):
        return UsageError("usage-missing", parameter=_hint(error), **told)
    if isinstance(error, click.BadParameter):
        return UsageError("usage-value", parameter=_hint(error), **{**told, "reason": error.message})
    if isinstance(error, click.NoSuchOption):
        return UsageError("usage-option", wanted=error.option_name, **_near(error.possibilities), **told)
    if ctx is not None and isinstance(ctx.command, click.Group) and hasattr(error, "command_name"):
        near = get_close_matches(error.command_name, ctx.command.list_commands(ctx))
        return UsageError("usage-command", wanted=error.command_name, **_near(near), **told)
    return UsageError("usage-other", **told)


def _near(found: Sequence[str] | None) -> dict[str, str]:
    """What may have been meant; "case" chooses the sentence that asks."""
    return {"case": "near", "near": found[0]} if found else {}


def _hint(error: click.BadParameter) -> str:
    """How the parameter is written."""
    if error.param is None:
        return str(error.param_hint or "-")
    return error.param.opts[-1] if isinstance(error.param, click.Option) else error.param.human_readable_name


def _end(console: Console, error: BridgeError, code: int | None = None) -> int:
    try:
        console.error(error)
        say_evidence(console, error.fields)
        sys.stdout.flush()
    except OSError:  # Nobody can be told any more.
        _close_stdout()
    return error.exit_code if code is None else code


def _show_help(error: click.exceptions.NoArgsIsHelpError) -> int:
    click.echo(error.format_message(), err=True)
    return error.exit_code


def _close_stdout() -> None:
    """Let what is still to be written go nowhere; python would complain about it at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
