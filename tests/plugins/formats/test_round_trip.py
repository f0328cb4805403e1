"""What a format does not list as lost comes back equal; what it lists is really lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.loop.keepsake import unwrap
from bridge.model.annotation import Box, Document, Image, Region
from bridge.model.dataset import Dataset
from tests.imagined import Album, datasets
from tests.plugins.formats.roundtrip import contents
from tests.there_and_back import FORMATS, compare, fresh_folder, lost, there_and_back

quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return Album.make(tmp_path_factory.mktemp("album"))


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@quick
def test_what_is_not_listed_comes_back(name: str, album: Album, data: st.DataObject) -> None:
    before = data.draw(datasets(album))
    with fresh_folder() as folder:
        after = there_and_back(name, before, folder)
        compare(before, lost(FORMATS[name].losses(before)), after)
        # Once there, nothing is lost any more.
        assert lost(FORMATS[name].losses(after)) == []
        with fresh_folder() as other:
            assert contents(there_and_back(name, after, other).documents) == contents(after.documents)


@pytest.mark.parametrize("name", ["vott-v2", "label-studio", "coco"])
def test_a_missing_picture_is_not_taken_for_one_of_the_same_file_name(name: str, album: Album) -> None:
    present, gone = replace(album.pictures[0], name="a.jpg"), Image("sub/a.jpg", 640, 480)
    before = Dataset("p", ("a",), (Document(present, ()), Document(gone, (Region.rectangle(Box(1, 2, 3, 4), "a"),))))
    with fresh_folder() as folder:
        after = {d.image.name: d.image for d in there_and_back(name, before, folder).documents}
    assert (after["a.jpg"].width, after["sub/a.jpg"].width) == (64, 640)
    assert after["sub/a.jpg"].file is None


@pytest.mark.parametrize("name", FORMATS)
def test_pixels_on_the_edge_of_what_is_counted_stay(name: str) -> None:
    corners = ((10.1, 0.0005), (30.0005, 1000.0015))  # left + (right - left) is 30.000500000000002 here.
    before = Dataset("p", ("a",), (Document(Image("a.jpg", 1920, 1080), (Region("rectangle", corners, ("a",)),)),))
    with fresh_folder() as folder:
        (after,) = there_and_back(name, before, folder).documents
    assert after.regions is not None
    assert after.regions[0].points == corners


@given(data=st.data(), first=st.sampled_from(list(FORMATS)), second=st.sampled_from(list(FORMATS)))
@quick
def test_from_one_format_to_another(album: Album, data: st.DataObject, first: str, second: str) -> None:
    with fresh_folder() as folder, fresh_folder() as other:
        drawn = there_and_back(first, data.draw(datasets(album)), folder)
        documents = drawn.documents if first == second else [unwrap(d, second) for d in drawn.documents]
        between = replace(drawn, documents=tuple(documents))
        told = lost(FORMATS[second].losses(between))
        compare(between, told, there_and_back(second, between, other))
