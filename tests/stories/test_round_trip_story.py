"""The proof of the round trip at length: many made-up datasets, through every format and from each to each."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.loop.keepsake import unwrap
from tests.imagined import NAMES, ODD_NAMES, Album, datasets
from tests.plugins.formats.roundtrip import contents
from tests.there_and_back import FORMATS, compare, fresh_folder, lost, there_and_back

pytestmark = pytest.mark.story
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return Album.make(tmp_path_factory.mktemp("album"))


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@settings(patient, max_examples=400)
def test_what_is_not_listed_comes_back_from(name: str, album: Album, data: st.DataObject) -> None:
    before = data.draw(datasets(album, (*NAMES, *ODD_NAMES)))
    with fresh_folder() as folder, fresh_folder() as other:
        after = there_and_back(name, before, folder)
        compare(before, lost(FORMATS[name].losses(before)), after)
        assert lost(FORMATS[name].losses(after)) == []
        assert contents(there_and_back(name, after, other).documents) == contents(after.documents)


@pytest.mark.parametrize(("first", "second"), [pair for pair in product(FORMATS, FORMATS) if pair[0] != pair[1]])
@given(data=st.data())
@settings(patient, max_examples=60)
def test_each_format_to_each(first: str, second: str, album: Album, data: st.DataObject) -> None:
    with fresh_folder() as folder, fresh_folder() as other:
        drawn = there_and_back(first, data.draw(datasets(album)), folder)
        between = replace(drawn, documents=tuple(unwrap(d, second) for d in drawn.documents))
        told = lost(FORMATS[second].losses(between))
        compare(between, told, there_and_back(second, between, other))
