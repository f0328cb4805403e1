from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model.annotation import Image
from plugins.formats.vott1.fingerprint import Fit, Noted, PlaceFit, Stages, noted
from tests.plugins.formats.vott1_projects import Drawn, Shot

SESSION = [Noted(733, 550), Noted(412, 550), Noted(1100, 550)]


def fit(size: Noted, width: int, height: int, orientation: int = 1, session: list[Noted] = SESSION) -> Fit:
    found = Stages([*session, size]).fit([size], Image("a.jpg", width, height, orientation=orientation))
    assert found is not None
    return found.worst


def test_a_canvas_has_the_shape_of_its_picture() -> None:
    assert fit(Noted(733, 550), 640, 480) is Fit.FITS
    assert fit(Noted(412, 550), 300, 400) is Fit.FITS
    assert fit(Noted(1100, 366), 1200, 400) is Fit.FITS  # Dragged: the height is the canvas's.


def test_a_picture_narrower_than_its_canvas_is_another_one() -> None:
    assert fit(Noted(733, 550), 300, 400) is Fit.MISFIT
    assert fit(Noted(1100, 550), 640, 480) is Fit.MISFIT
    assert fit(Noted(733, 550), 4000, 3010) is Fit.UNCLEAR  # By two pixels of the canvas.


def test_a_picture_wider_than_its_canvas_may_have_been_wider_than_the_stage() -> None:
    assert fit(Noted(1100, 550), 1200, 400) is Fit.STAGE
    assert fit(Noted(733, 550), 1200, 400) is Fit.UNCLEAR  # The stage was 1100 wide, unless the window was another.
    small = [Noted(800, 600), Noted(600, 600)]
    assert fit(Noted(800, 600), 1200, 400, session=[*SESSION, *small]) is Fit.STAGE
    assert fit(Noted(800, 611), 1200, 400, session=[*SESSION, Noted(1300, 700)]) is Fit.UNCLEAR


@pytest.mark.parametrize("size", [Noted(733, 550), Noted(412, 550)])
def test_a_turned_picture_fits_both_ways(size: Noted) -> None:
    assert fit(size, 640, 480, orientation=6) is Fit.FITS


def test_source_pixels_must_be_those_of_the_picture() -> None:
    assert fit(Noted(640, 480, exact=True), 640, 480) is Fit.FITS
    assert fit(Noted(640, 480, exact=True), 320, 240) is Fit.MISFIT


def test_nothing_to_compare() -> None:
    stages = Stages(SESSION)
    assert stages.fit([], Image("a.jpg", 640, 480)) is None
    assert stages.fit([Noted(733, 550)], Image("a.jpg")) is None


def test_of_several_regions_the_worst_and_the_best_count() -> None:
    found = Stages(SESSION).fit([Noted(733, 550), Noted(1100, 550)], Image("a.jpg", 640, 480))
    assert found == PlaceFit(Fit.MISFIT, Fit.FITS)


def test_what_a_region_noted() -> None:
    drawn = {"x1": 10, "y1": 20, "x2": 110, "y2": 220, "width": 733, "height": 550}
    assert noted([drawn, {}, "text", {"x1": 1}]) == {Noted(733, 550)}
    box = {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0}
    assert noted([{**box, "box": box, "width": 640, "height": 480}]) == {Noted(640, 480, exact=True)}
    assert noted("no list") == frozenset()


def test_a_converted_region_tells_the_size_of_the_picture_it_was_converted_for() -> None:
    """Also where the wrong height of the stage was baked in: box / drawn is picture / noted on either axis."""
    drawn = {"x1": 275, "y1": 91, "x2": 550, "y2": 274, "width": 1100, "height": 550}
    box = {"x1": 275 * 1200 / 1100, "y1": 91 * 400 / 550, "x2": 600.0, "y2": 274 * 400 / 550}
    assert noted([{**drawn, "box": box}]) == {Noted(1100, 550), Noted(1200, 400, exact=True)}


@given(
    st.tuples(st.integers(30, 4000), st.integers(30, 4000)),
    st.tuples(st.integers(300, 2500), st.integers(300, 1400)),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_the_right_picture_is_never_ruled_out(size: tuple[int, int], stage: tuple[int, int], dragged: bool) -> None:
    shot = Shot("a.jpg", size, (Drawn("a", dragged=dragged),), stage=stage)
    width, height = shot.canvas
    if min(width, height) < 20:
        return
    assert fit(Noted(width, height if dragged else stage[1]), *size) is not Fit.MISFIT
