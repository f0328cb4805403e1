from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.formats.vott2.jsontext import stringify

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vott2"


# What JSON.stringify of Node 20 gives.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10.0, "10"),
        (-0.0, "0"),
        (160.123456789, "160.123456789"),
        (1e-6, "0.000001"),
        (1.234e-6, "0.000001234"),
        (1.5e-7, "1.5e-7"),
        (5e-324, "5e-324"),
        (0.00001, "0.00001"),
        (1000000000000000.5, "1000000000000000.5"),
        (1e16, "10000000000000000"),
        (2.0**60, "1152921504606847000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (math.nan, "null"),
        ([], "[]"),
        ({}, "{}"),
        ([1, {"a": [True]}], '[\n    1,\n    {\n        "a": [\n            true\n        ]\n    }\n]'),
        ('\x7f\u2028é水😀\x01\b\f\n\t"\\/<>&', '"\x7f\u2028é水😀\\u0001\\b\\f\\n\\t\\"\\\\/<>&"'),
        ("\ud83d", '"\ufffd\ufffd\ufffd"'),
    ],
)  # fmt: skip
def test_text_is_that_of_javascript(value: Any, text: str) -> None:
    assert stringify(value) == text.encode()


@given(
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(2**53), 2**53),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), inner, max_size=3),
        ),
        max_leaves=8,
    )
)
@settings(max_examples=80, deadline=None)
def test_nothing_changes_on_the_way(value: Any) -> None:
    assert json.loads(stringify(value), parse_int=float) == value  # JavaScript has no other numbers.


def test_files_of_vott_are_reproduced() -> None:
    paths = [p for p in FIXTURES.rglob("*.json") if "truncated" not in str(p)] + list(FIXTURES.glob("v2.[12]*/*.vott"))
    assert len(paths) > 60
    for path in paths:
        assert stringify(json.loads(path.read_bytes())) == path.read_bytes()
