"""Finding like fingerprints among many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.twins.families import families
from bridge.twins.fingerprint import vectors
from bridge.twins.pairs import LEAST, SURE, find_pairs


def scenes(count: int, seed: int = 0) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    return np.kron(rng.uniform(20, 235, (count, 8, 8)), np.ones((4, 4)))


def prints(cells: NDArray[Any]) -> list[bytes]:
    return [one.tobytes() for one in cells.clip(0, 255).astype(np.uint8)]


def test_every_copy_among_thousands_is_found_and_nothing_else() -> None:
    many = scenes(3000)
    noise = np.random.default_rng(1).normal(0, 6, (300, 32, 32))
    copies = many[:300] * 0.9 + 12 + noise
    found = find_pairs(prints(np.concatenate([many, copies])))
    assert {(int(a), int(b)) for a, b, _ in found} == {(n, 3000 + n) for n in range(300)}
    assert (found[:, 2] > 0.85).all()
    assert (found[:, 2] <= 1).all()


def test_a_thousand_frames_of_one_scene_are_one_family_with_few_links() -> None:
    frames = scenes(1)[[0] * 1000] + np.random.default_rng(2).normal(0, 3, (1000, 32, 32))
    found = find_pairs(prints(np.concatenate([scenes(10, 3), frames])))
    assert len(found) <= 1000 * 8
    (family,) = families(1000, [(int(a), int(b), likeness) for a, b, likeness in found])
    assert family.members == tuple(range(10, 1010))


def test_plain_pictures_are_in_no_pair() -> None:
    assert len(find_pairs([bytes([7]) * 1024] * 5)) == 0
    assert len(find_pairs(prints(scenes(1)))) == 0
    assert len(find_pairs([])) == 0


def test_what_is_doubtful_must_be_alike_in_detail_too() -> None:
    """The coarse cells agree to some three quarters; boards of half a cell's width decide."""
    rng = np.random.default_rng(4)
    coarse, other = rng.uniform(60, 190, (2, 1, 16, 16))
    cells = np.kron(np.concatenate([coarse, 0.5 * coarse + 0.5 * other]), np.ones((2, 2)))
    first, second = vectors(prints(cells))
    assert LEAST < float(first @ second) < SURE
    board = np.tile([[-50.0, 50.0], [50.0, -50.0]], (16, 16))
    same, opposite = np.stack([board, board]), np.stack([board, -board])
    assert len(find_pairs(prints(cells + same))) == 1
    assert len(find_pairs(prints(cells + opposite))) == 0
