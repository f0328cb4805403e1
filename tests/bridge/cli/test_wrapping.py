"""Lines that fit a terminal in both scripts, and lose nothing."""

from __future__ import annotations

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.cli.wrapping import Formatter, columns, folded, wrap

TEXT = st.text(st.sampled_from("ab c　、。「」漢字カナー()e\u0301"), max_size=120)


def test_a_japanese_character_takes_two_columns() -> None:
    assert columns("ab") == 2
    assert columns("漢字") == 4
    assert columns("e\u0301") == 1


@given(TEXT, st.integers(10, 60))
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_and_lines_fit(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert columns(line) <= width or len(line.split()) == 1


def test_no_line_begins_with_a_closing_mark() -> None:
    lines = wrap("あいうえお、かきくけこ。さしすせそ」たちつてと", 12)
    assert all(line[0] not in "、。」" for line in lines)
    assert len(lines) > 3


def test_a_line_that_fits_stays_as_it_is_and_others_keep_their_indent() -> None:
    assert folded("  a   b", 20) == ["  a   b"]
    assert folded("  one two three four", 12) == ["  one two", "  three four"]


def test_an_address_stays_whole() -> None:
    link = "http://127.0.0.1:8765/login?token=lb_" + "x" * 60
    assert link in [line.strip() for line in folded(f"  {link}", 40)]


@pytest.mark.parametrize("terminal", [40, 80, 200])
def test_a_list_has_its_meanings_in_one_column(monkeypatch: pytest.MonkeyPatch, terminal: int) -> None:
    monkeypatch.setenv("COLUMNS", str(terminal))
    formatter = Formatter()
    formatter.write_dl([("--a", "短い。"), ("--much-longer", "これは" * 30), ("-c", "x " * 80)])
    lines = formatter.getvalue().splitlines()
    assert all(columns(line) < max(terminal, 41) for line in lines)
    starts = {columns(line) - columns(line.lstrip()) for line in lines if line.startswith(" ")}
    assert len(starts) == 1
    assert isinstance(formatter, click.HelpFormatter)
