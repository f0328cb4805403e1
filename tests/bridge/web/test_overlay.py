from __future__ import annotations

import math

from bridge.model.annotation import Region
from bridge.web.pages.overlay import shapes

COLOURS = {"浴衣": "#123456"}


def test_a_rectangle_is_drawn_whichever_corner_comes_first() -> None:
    [shape] = shapes([Region("rectangle", ((30, 40), (10, 20)), ("浴衣",))], COLOURS)
    assert shape.path == "M10.00 20.00L30.00 20.00L30.00 40.00L10.00 40.00Z"
    assert (shape.x, shape.y, shape.foot, shape.colour) == (10, 20, 40, "#123456")
    assert shape.place == "10, 20 · 20 × 20"


def test_shapes_keep_their_form() -> None:
    line = Region("polyline", ((0, 0), (5, 5)), ("浴衣",))
    area = Region("polygon", ((0, 0), (5, 5), (0, 5)), ("浴衣",))
    point = Region("point", ((3, 4),), ())
    ellipse = Region("ellipse", ((10, 5), (5, 8), (0, 5), (5, 2)), ("帯",))
    drawn = shapes([line, area, point, ellipse], COLOURS)
    assert not drawn[0].path.endswith("Z")
    assert drawn[1].path.endswith("Z")
    assert (drawn[2].kind, drawn[2].name, drawn[2].place) == ("point", "?", "3, 4")
    assert drawn[3].path.startswith("M10.00 5.00A5.00 3.00 0.00 0 1 0.00 5.00")


def test_what_cannot_be_drawn_is_left_out_and_numbers_stay() -> None:
    damaged = Region("damaged", ((math.nan, 2.0),), ("浴衣",))
    empty = Region("brush", (), ("浴衣",))
    sound = Region("rectangle", ((0, 0), (1, 1)), ("浴衣",), score=0.5)
    [shape] = shapes([damaged, empty, sound], COLOURS, dashed=True)
    assert (shape.index, shape.dashed, shape.score) == (2, True, 0.5)
