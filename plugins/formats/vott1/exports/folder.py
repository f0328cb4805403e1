"""A folder of darknet labels as VoTT v1's export left it (or somebody after it, or we): its files, names and lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from bridge.document import decode_text, read_bytes
from bridge.errors import NotFoundError
from bridge.model.annotation import fold_name
from bridge.model.finding import Finding, Severity
from bridge.picture import EXTENSIONS
from plugins.formats.vott1.exports.faults import Four
from plugins.formats.yolo.entries import original_names
from plugins.formats.yolo.folder import names_file, parse_names

_TRAIN, _TEST = ("train.txt",), ("test.txt", "valid.txt", "val.txt")
# Texts that lie among labels and are none, where somebody put them together.
_NO_LABELS = frozenset({*_TRAIN, *_TEST, "classes.txt"})
# The folders that lists and names lie beside or above.
_INNER = ("obj", "data")
# What every line of a list begins with.
_PREFIX = "data/obj/"
_JPEG = b"\xff\xd8\xff"
LISTS, REENCODED = "export-lists", "export-reencoded"


@dataclass(frozen=True, slots=True)
class Label:
    """One line of a label file: its class as written, and its four numbers (None: it is no label)."""

    number: int
    text: str
    class_text: str = ""
    found: Four | None = None

    @property
    def written(self) -> str:
        """The numbers as they are shown to a person."""
        return shown(self.found) if self.found else self.text.strip()[:200]


@dataclass(frozen=True, slots=True)
class Exported:
    """The export: its label files, and class names by number (None: there is no such file).

    folder is where labels and pictures lie. safe are the stems under which our own exports put a picture, by its name.
    held_out are the stems of the pictures in the test list.
    """

    folder: Path
    files: tuple[Path, ...]
    names: tuple[str, ...] | None
    safe: dict[str, str]
    held_out: frozenset[str]
    findings: tuple[Finding, ...]

    def stem(self, picture: str) -> str:
        """What the label file of a picture is called, without its extension."""
        return self.safe.get(fold_name(picture)) or PurePath(picture).stem

    def index(self) -> Callable[[str], Path | None]:
        """Finds the label file of a stem: by the same spelling, else by another case if only one fits."""
        exact = {fold_name(file.stem): file for file in self.files}
        cased: dict[str, list[Path]] = defaultdict(list)
        for file in self.files:
            cased[folded(file.stem)].append(file)

        def find(stem: str) -> Path | None:
            near = cased.get(folded(stem), [])
            return exact.get(fold_name(stem)) or (near[0] if len(near) == 1 else None)

        return find


def shown(numbers: Four) -> str:
    """Four fractions as a label file has them."""
    return " ".join(f"{number:.6f}" for number in numbers)


def folded(stem: str) -> str:
    """Stems that Windows and macOS would take for one are one."""
    return fold_name(stem).casefold()


def open_export(path: Path, max_megabytes: int) -> Exported:
    """The export at a path: its folder, the folder `data` in it, or that of the label files themselves.

    Raises NotFoundError where there are no label files.
    """
    found = next((folder for folder in _places(path) if any(_label_files(folder))), None)
    if found is None:
        raise NotFoundError("labels-missing", path=str(path))
    around = list(dict.fromkeys((path, found, found.parent if found.absolute().name in _INNER else found)))
    original = original_names(path)
    lists, test = _lists(around, max_megabytes)
    return Exported(
        found,
        tuple(_label_files(found)),
        _names(around, max_megabytes),
        {fold_name(name): PurePath(safe).stem for safe, name in original.items()},
        test,
        (*lists, *_reencoded(found)),
    )


def labels_of(path: Path, max_megabytes: int) -> list[Label]:
    """The lines of a label file that are not blank; raises as read_bytes."""
    text = decode_text(read_bytes(path, max_megabytes)).replace("\r\n", "\n").replace("\r", "\n")
    return [_label(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _label(number: int, text: str) -> Label:
    parts = text.split()
    try:
        numbers = [float(part) for part in parts[1:]]  # VoTT 1.0.5 writes Infinity and NaN, which this takes too.
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        return Label(number, text)
    return Label(number, text, parts[0], (numbers[0], numbers[1], numbers[2], numbers[3]))


def _places(path: Path) -> Iterator[Path]:
    yield from (path / "data" / "obj", path / "obj", path / "data", path)


def _label_files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        found = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".txt" and file.is_file())
        others = frozenset() if folder.absolute().name == _INNER[0] else _NO_LABELS
        yield from (file for file in found if file.name.lower() not in others)


def _names(around: list[Path], max_megabytes: int) -> tuple[str, ...] | None:
    file = next((file for folder in around if (file := names_file(folder)) is not None), None)
    if file is None:
        return None
    return parse_names(decode_text(read_bytes(file, max_megabytes)), file.name)[0]


def _lists(around: list[Path], max_megabytes: int) -> tuple[list[Finding], frozenset[str]]:
    """What is wrong with the lists of pictures, and the stems of those in the test list."""
    findings: list[Finding] = []
    test: frozenset[str] = frozenset()
    for names in (_TRAIN, _TEST):
        file = next((f for folder in around for name in names if (f := folder / name).is_file()), None)
        if file is None:
            continue
        text = decode_text(read_bytes(file, max_megabytes)).replace("\r\n", "\n")
        findings += _flaws(file.name, text)
        if names is _TEST:
            lines = text.replace(_PREFIX, f"\n{_PREFIX}").split("\n")
            test = frozenset(folded(PurePath(line.strip().replace("\\", "/")).stem) for line in lines if line.strip())
    return findings, test


def _flaws(name: str, text: str) -> Iterator[Finding]:
    """Before 1.0.9 VoTT forgot newlines, or began a list with one."""
    glued = sum(line.count(_PREFIX) > 1 for line in text.split("\n"))
    if glued:
        yield Finding(LISTS, Severity.ERROR, None, {"case": "glued", "path": name, "lines": glued})
    elif text.startswith("\n") and text.strip():
        yield Finding(LISTS, Severity.ERROR, None, {"case": "blank", "path": name})


def _reencoded(folder: Path) -> list[Finding]:
    """Pictures that are JPEG under another name: VoTT draws every one anew."""
    wrong = sorted(
        file.name
        for file in folder.iterdir()
        if file.suffix.lower() in EXTENSIONS - {".jpg", ".jpeg"} and file.is_file() and _begins(file) == _JPEG
    )
    return [Finding(REENCODED, Severity.INFO, None, {"count": len(wrong), "example": wrong[0]})] if wrong else []


def _begins(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_JPEG))
    except OSError:
        return b""
