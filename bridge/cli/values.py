"""Values of options, and what is said of those that cannot be."""

from __future__ import annotations

import math
from typing import Any

import click

_LARGEST = 65_536


class Whole(click.IntRange):
    """A whole number within bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or a sentence that names the bounds."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a whole number from {self.min} to {self.max}.", param, ctx)


class Fraction(click.FloatRange):
    """A number from 0 to 1; not-a-number, which click lets through, is none."""

    def __init__(self, least_open: bool = False) -> None:
        super().__init__(0, 1, min_open=least_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or a sentence that names the bounds."""
        try:
            found = super().convert(value, param, ctx)
        except click.BadParameter:
            found = math.nan
        if math.isnan(found):
            self.fail(f"{value!r} is not a number {'above' if self.min_open else 'from'} 0 to 1.", param, ctx)
        return found


class Word(click.types.StringParamType):
    """A name or id; an empty one is a variable that was not set in somebody's script."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The word as it is."""
        word = super().convert(value, param, ctx)
        return word if word.strip() else self.fail("It is empty.", param, ctx)


SEED = Whole(0, 2**31 - 1)


def network_size(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """A network size such as 416x416."""
    if value is None:
        return None
    width, _, height = value.lower().replace("×", "x").partition("x")
    sizes = [int(side) if side.isdecimal() else 0 for side in (width, height or width)]
    if not all(1 <= side <= _LARGEST for side in sizes):
        raise click.BadParameter(f"{value!r} is not WIDTHxHEIGHT in pixels, such as 416x416.")
    return sizes[0], sizes[1]


def gpu_numbers(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """GPU numbers such as 0,1."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise click.BadParameter(f"{value!r} is not a list of numbers such as 0,1.")
    return tuple(int(part) for part in parts)
