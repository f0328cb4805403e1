"""Pictures → families, each picture decoded at most once in its life."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from bridge import picture
from bridge.errors import BridgeError
from bridge.model.annotation import Image
from bridge.plugin import Notes, Progress, no_progress
from bridge.twins.families import Family, Pair, families

# A change of how fingerprints are made or compared gives these another number.
_FINGERPRINT, _PAIRS = "fingerprint-1", "pairs-1"
_SLICE = 512


def families_of(
    images: Sequence[Image], notes: Notes, max_megapixels: int = 200, progress: Progress = no_progress
) -> list[Family]:
    """Which of these pictures are copies of one another or nearly so; what cannot be decoded belongs to none."""
    with_file = [index for index, image in enumerate(images) if image.file is not None]
    keys = {index: _key(images[index]) for index in with_file}
    prints = _fingerprints(images, keys, notes, max_megapixels, progress)
    return families(len(images), _pairs(images, prints, notes))


def _key(image: Image) -> str:
    """What its bytes are known by: their hash, else where they lie and how the file looks."""
    assert image.file is not None
    return image.sha256 or f"{image.file.size} {image.file.mtime_ns} {image.file.path}"


def _fingerprints(
    images: Sequence[Image], keys: dict[int, str], notes: Notes, max_megapixels: int, progress: Progress
) -> dict[int, bytes]:
    known = notes.recall(_FINGERPRINT, set(keys.values()))
    unknown = [(key, index) for key, index in {k: i for i, k in keys.items()}.items() if key not in known]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # Pillow decodes without Python's lock.
        for start in range(0, len(unknown), _SLICE):
            some = unknown[start : start + _SLICE]
            seen = pool.map(lambda item: _look(images[item[1]], max_megapixels), some)
            fresh = {key: found for (key, _), found in zip(some, seen, strict=True) if found is not None}
            notes.keep(_FINGERPRINT, fresh)
            known |= fresh
            progress(start + len(some), len(unknown))
    return {index: known[key] for index, key in keys.items() if key in known}


def _look(image: Image, max_megapixels: int) -> bytes | None:
    """The fingerprint of a file that still is what was hashed."""
    from bridge.twins.fingerprint import fingerprint

    assert image.file is not None
    try:
        if image.sha256 is not None and picture.stamp(image.file.path) != image.file:
            return None
        return fingerprint(image.file.path, max_megapixels)
    except BridgeError:
        return None  # Told by other rules: missing-image, unreadable.


def _pairs(images: Sequence[Image], prints: dict[int, bytes], notes: Notes) -> list[Pair]:
    """Like pairs and equal ones; searched for again only when there are other pictures than last time."""
    import numpy as np

    from bridge.twins.pairs import find_pairs

    if len(prints) < 2:
        return []
    stand = hashlib.sha256(repr(list(prints)).encode() + b"".join(prints.values())).digest()
    known = notes.recall(_PAIRS, [_PAIRS]).get(_PAIRS, b"")
    if not known.startswith(stand):
        indices = np.array(list(prints), np.int64)
        found = find_pairs(list(prints.values()))
        found[:, :2] = indices[found[:, :2].astype(np.int64)]
        same = np.array(list(_equal(images, prints)), np.float64).reshape(-1, 3)
        known = stand + np.concatenate([found, same]).tobytes()
        notes.keep(_PAIRS, {_PAIRS: known})
    table = np.frombuffer(known, np.float64, offset=len(stand)).reshape(-1, 3)
    return [(int(first), int(second), likeness) for first, second, likeness in table.tolist()]


def _equal(images: Sequence[Image], prints: dict[int, bytes]) -> Iterator[Pair]:
    """Pictures with the very same bytes, also those too plain to be told apart by their looks."""
    alike: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for index, found in prints.items():
        file = images[index].file
        assert file is not None
        alike[file.size, found].append(index)
    for indices in alike.values():
        first: dict[str, int] = {}
        for index in indices if len(indices) > 1 else ():
            digest = _digest(images[index])
            if digest is not None and (other := first.setdefault(digest, index)) != index:
                yield other, index, 1.0


def _digest(image: Image) -> str | None:
    assert image.file is not None
    try:
        return image.sha256 or picture.sha256(image.file.path)
    except BridgeError:
        return None
