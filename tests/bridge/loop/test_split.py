from __future__ import annotations

import random
from collections import Counter

import pytest

from bridge.loop.split import Candidate, choose


def project(seed: int, pictures: int = 400) -> list[Candidate]:
    dice = random.Random(seed)
    weights = {"washer": 40, "nut": 30, "bolt": 25, "歯車": 5}
    return [
        Candidate((f"{n}.jpg",), tuple(dice.choices(list(weights), list(weights.values()), k=dice.randint(0, 6))))
        for n in range(pictures)
    ]


def counts(candidates: list[Candidate], names: set[str]) -> Counter[str]:
    return Counter(label for c in candidates if set(c.names) <= names for label in c.labels or ("",))


def test_every_class_is_held_out_in_its_share() -> None:
    for seed in range(5):
        found = project(seed)
        held = choose(found, 0.9, seed)
        total, there = counts(found, {n for c in found for n in c.names}), counts(found, held)
        for label, n in total.items():
            assert abs(there[label] - 0.1 * n) <= max(2, 0.03 * n), (seed, label, there, total)
        assert 0.07 <= len(held) / len(found) <= 0.13


def test_the_same_seed_gives_the_same_split_whatever_the_order() -> None:
    found = project(1)
    assert choose(found, 0.9, 3) == choose(list(reversed(found)), 0.9, 3)
    assert choose(found, 0.9, 3) != choose(found, 0.9, 4)


def test_what_was_held_out_once_stays_held_out() -> None:
    found = project(2)
    first = choose(found, 0.9, 0)
    grown = [*(Candidate(c.names, c.labels, True if set(c.names) <= first else None, True) for c in found), *project(9)]
    assert first <= choose(grown, 0.9, 77)


def test_a_group_stays_on_one_side() -> None:
    pairs = [Candidate((f"{n}.jpg", f"{n}-copy.jpg"), ("a", "a")) for n in range(50)]
    held = choose(pairs, 0.8, 0)
    assert all((f"{n}.jpg" in held) == (f"{n}-copy.jpg" in held) for n in range(50))
    assert 16 <= len(held) <= 24


def test_what_an_older_model_trained_on_is_held_out_last() -> None:
    old = [Candidate((f"old{n}.jpg",), ("a",), None, True) for n in range(50)]
    new = [Candidate((f"new{n}.jpg",), ("a",)) for n in range(50)]
    assert all(name.startswith("new") for name in choose([*old, *new], 0.9, 0))


@pytest.mark.parametrize("labels", [("a",), ("a", "b"), (), ("a", "a", "b")])
@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.9])
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_something_is_always_left_to_train_on(groups: int, fraction: float, labels: tuple[str, ...]) -> None:
    found = [Candidate((f"{n}.jpg",), labels) for n in range(groups)]
    assert len(choose(found, fraction, 0)) < groups
    found = [*found, Candidate(("held.jpg",), labels, True)]
    assert "held.jpg" in choose(found, fraction, 0)
    assert len(choose(found, fraction, 0)) <= groups


def test_two_pictures_of_two_classes_go_to_both_sides() -> None:
    assert len(choose([Candidate(("a.jpg",), ("a",)), Candidate(("b.jpg",), ("b",))], 0.5, 0)) == 1
