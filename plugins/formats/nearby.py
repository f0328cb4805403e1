"""Files known by their names: which of them a path of another machine means."""

from __future__ import annotations

from itertools import takewhile

from bridge.model.annotation import fold_name


class Nearby:
    """An index of files by name; of several with one name the one that shares most of its path with what is asked for.

    rank says how far away a file lies; of equally likely ones the nearest is taken, and none if there are two.
    """

    def __init__(self) -> None:
        self._files: dict[str, list[tuple[int, str]]] = {}

    def add(self, path: str, rank: int = 0) -> None:
        """Know a file."""
        name = path.rpartition("/")[2]
        self._files.setdefault(fold_name(name).casefold(), []).append((rank, path))

    def find(self, path: str, *spellings: str) -> str | None:
        """The file that a path means, by its last part or another spelling of it; by case only if nothing else fits."""
        for name in (path.rpartition("/")[2], *spellings):
            files = self._of_name(name)
            likeness = [(_shared_parts(path, file), -rank) for rank, file in files]
            best = [file for (_, file), alike in zip(files, likeness, strict=True) if alike == max(likeness)]
            if best:
                return best[0] if len(best) == 1 else None
        return None

    def _of_name(self, name: str) -> list[tuple[int, str]]:
        found = self._files.get(fold_name(name).casefold(), [])
        return [one for one in found if fold_name(one[1].rpartition("/")[2]) == fold_name(name)] or found


def _shared_parts(a: str, b: str) -> int:
    """How many parts at the end of two paths are equal but for case."""
    pairs = zip(reversed(a.split("/")), reversed(b.split("/")), strict=False)
    alike = takewhile(lambda pair: fold_name(pair[0]).casefold() == fold_name(pair[1]).casefold(), pairs)
    return sum(1 for _ in alike)
