"""Simulated detectors: what a model of a certain skill finds in pictures of which some are harder than others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.plugin import Ranking

# Objects in a picture, by class: from common to rare.
COMMON = (1.0, 0.6, 0.3, 0.15, 0.05)


@dataclass(frozen=True, slots=True)
class Scene:
    """Pictures with their difficulty, objects by picture and class, and the difficulty of each object."""

    difficulty: NDArray[np.float64]
    truths: NDArray[np.int64]
    picture: NDArray[np.int64]
    class_id: NDArray[np.int64]
    object_difficulty: NDArray[np.float64]


def pictures_of(pictures: int, dice: np.random.Generator, often: tuple[float, ...] = COMMON) -> Scene:
    """Pictures as a camera brings them: crowded and empty ones, easy and hard ones."""
    difficulty = dice.normal(0, 1, pictures)
    truths = dice.poisson(np.array(often) * np.exp(0.4 * dice.normal(0, 1, (pictures, 1))))
    picture, class_id = (np.repeat(each.ravel(), truths.ravel()) for each in np.indices(truths.shape))
    # Rare classes are harder: there was less to learn from.
    own = difficulty[picture] + 0.3 * class_id + dice.normal(0, 0.8, len(picture))
    return Scene(difficulty, truths, picture, class_id, own)


def ranked(scene: Scene, skill: float, dice: np.random.Generator) -> Ranking:
    """What a model finds: easy objects with high scores, and things that are none, more of them in hard pictures."""
    margin = skill - scene.object_difficulty + dice.normal(0, 0.6, len(scene.picture))
    seen = np.flatnonzero(margin > 0)
    rate = np.exp(0.5 * scene.difficulty)[:, None] * scene.truths.mean(axis=0) * 0.8
    wrong = dice.poisson(rate)
    wrong_picture, wrong_class = (np.repeat(each.ravel(), wrong.ravel()) for each in np.indices(wrong.shape))
    score = np.concatenate((margin[seen] + dice.normal(0, 0.7, len(seen)), dice.normal(-0.8, 1, len(wrong_picture))))
    order = np.argsort(-score, kind="stable")
    return Ranking(
        tuple(map(str, range(len(scene.difficulty)))),
        tuple(map(str, range(scene.truths.shape[1]))),
        np.concatenate((scene.picture[seen], wrong_picture))[order],
        np.concatenate((scene.class_id[seen], wrong_class))[order],
        np.concatenate((np.ones(len(seen), np.bool_), np.zeros(len(wrong_picture), np.bool_)))[order],
        scene.truths,
    )


def crowd() -> Ranking:
    """A large set: 400,000 detections of 20 classes on 5,000 pictures, surer ones more often right."""
    dice = np.random.default_rng(0)
    rows, pictures, classes = 400_000, 5_000, 20
    return Ranking(
        tuple(map(str, range(pictures))),
        tuple(map(str, range(classes))),
        dice.integers(0, pictures, rows),
        dice.integers(0, classes, rows),
        np.sort(dice.random(rows))[::-1] ** 6 > dice.random(rows),
        dice.poisson(0.6, (pictures, classes)),
    )
