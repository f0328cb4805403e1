from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.loop import predict
from bridge.loop.doubles import marked_together, sifted
from bridge.loop.matching import closeness
from bridge.model.annotation import Box, Region
from bridge.sample import LABELS
from bridge.store import images, predictions, projects
from tests.studio_bench import Bench

A, NEAR, FAR = Box(10, 10, 110, 110), Box(14, 10, 114, 110), Box(200, 10, 300, 110)


def boxes(*said: tuple[Box, str]) -> tuple[Region, ...]:
    return tuple(Region.rectangle(box, label) for box, label in said)


def test_of_two_names_for_one_thing_the_surer_one_is_shown() -> None:
    found = boxes((A, "nut"), (NEAR, "washer"), (FAR, "washer"))
    assert sifted(found, frozenset()) == (found[0], found[2])


def test_what_people_mark_on_one_thing_both_stays() -> None:
    together = marked_together([boxes((A, "person"), (NEAR, "浴衣"))] * 3 + [boxes((A, "nut"))] * 3)
    assert together == {frozenset(("person", "浴衣"))}
    found = boxes((A, "person"), (NEAR, "浴衣"), (NEAR, "nut"))
    assert sifted(found, together) == found[:2]


def test_a_slip_of_the_pen_is_no_custom() -> None:
    clean = [boxes((A, "nut"), (FAR, "washer"))] * 100
    assert marked_together([*clean, boxes((A, "nut"), (NEAR, "washer"))]) == frozenset()


def test_two_labels_on_one_box_are_marked_together() -> None:
    assert marked_together([(Region.rectangle(A, "person", "浴衣"),)]) == {frozenset(("person", "浴衣"))}


many = st.lists(
    st.builds(
        lambda x, y, label: Region.rectangle(Box(x, y, x + 50, y + 50), label),
        st.integers(0, 120),
        st.integers(0, 120),
        st.sampled_from(["nut", "bolt"]),
    ),
    max_size=8,
)


@settings(max_examples=50, deadline=None)
@given(many)
def test_what_goes_lies_on_something_that_stays(found: list[Region]) -> None:
    kept = sifted(found, frozenset())
    assert list(kept) == [region for region in found if any(region is k for k in kept)]
    for region in found:
        assert any(closeness(region, k) >= 0.5 for k in kept)
    assert all(closeness(a, b) < 0.5 for i, a in enumerate(kept) for b in kept[:i])


def test_the_store_keeps_one_box_for_each_thing(bench: Bench) -> None:
    version = bench.checkpoint("cafe01")
    with bench.ws.db.write() as tx:
        images_ = images.known_images(tx, bench.project)
        image = next(iter(images_.values()))
        assert image.id is not None
        twice = [(0, 0.6, 20.0, 30.0, 60.0, 90.0), (1, 0.8, 21.0, 30.0, 60.0, 90.0), (2, 0.5, 200.0, 30.0, 240.0, 90.0)]
        predict.keep(tx, bench.project, version, {image.id: twice})
        kept = predictions.of_checkpoint(tx, version, projects.labels(tx, bench.project), [image.id])
    assert [(region.labels[0], region.score) for region in kept[image.id].regions] == [
        (LABELS[1], 0.8),
        (LABELS[2], 0.5),
    ]
