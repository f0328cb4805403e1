"""The contract: all that a plugin author must read.

A plugin is a class (or an instance) of one of the kinds below, nouns in, nouns out. It knows nothing of Flask,
Celery or the store. It is found by kind and name: built-ins in registry.py, others by the entry-point group
"labelbridge" (name "<kind>:<name>", value "package.module:Class") or as one .py file in DATA/plugins/ whose
top-level PLUGINS maps "<kind>:<name>" to a class. A plugin that raises is listed as broken and never takes the
server down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

import pluggy

# Outcomes come over the wire and are decoded by their types.
from bridge.model.finding import Finding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bridge.model.anchors import Anchors, GivenAnchors
    from bridge.model.annotation import Document, Image
    from bridge.model.dataset import Dataset, Reading
    from bridge.model.prediction import Prediction
    from bridge.model.project import Source
    from bridge.model.scores import Scores
    from bridge.model.training import Failure, Recipe, RunEvent, Stream

Progress = Callable[[int, int], None]

# How files look without being read: size and time (ns) by path.
Stamps = Mapping[str, tuple[int, int]]


def no_progress(done: int, total: int) -> None:
    """Say nothing about progress."""


# ---------------------------------------------------------------- format


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read: where the pictures are (None = as the file says), file order, label config, size bounds.

    extras is False where nobody goes back to this format: a reader need not keep what only its tool knows.
    security_token opens what a tool encrypted (VoTT 2's connections): a key as the tool shows it, or the path of a
    file with it. It is a secret: neither shown nor kept. leave_newer reads the file order without the pictures that
    came after the label file.
    """

    images: Path | None = None
    order: Literal["auto", "ntfs", "bytes", "created"] = "auto"
    label_config: Path | None = None
    max_file_megabytes: int = 512
    max_megapixels: int = 200
    extras: bool = True
    security_token: str = field(default="", repr=False)
    leave_newer: bool = False


Earlier: TypeAlias = "Callable[[Document], Sequence[Document]]"


def nothing_earlier(document: Document) -> Sequence[Document]:
    """No former state is known."""
    return ()


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write: pictures as hard links, copies or not at all.

    expected tells how the files of a project that is there looked when it was read, by path: one that looks otherwise
    by now is left as it is, and what is written raises ConflictError file-moved-on, or says so in a finding moved-on
    about the one picture. renamed are labels that such a project lists under a name that they had before.
    images_as and project_as are the folders of the pictures and of the project as another machine spells them (VoTT 2
    knows pictures by their whole path); "" for this machine's. With allow_loss a person's regions in the file that the
    dataset does not know are replaced, and a finding says so; without it, and without expected, they are refused.
    earlier gives what is known of a document's former states: what stood there was not made since.
    """

    pictures: Literal["link", "copy", "none"] = "link"
    progress: Progress = no_progress
    expected: Stamps | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    images_as: str = ""
    project_as: str = ""
    allow_loss: bool = False
    earlier: Earlier = nothing_earlier


class Format(Protocol):
    """One file format of labels; reads raise InputError or RefusedError, single bad items become findings."""

    name: str

    def recognises(self, path: Path) -> bool:
        """Whether this path is (or holds) a project of this format; cheap, never raises."""

    def read(self, path: Path, options: ReadOptions) -> Reading:
        """Read labels in class order and documents; what is not understood goes into extra."""

    def losses(self, dataset: Dataset) -> list[Finding]:
        """What this format cannot hold, region by region, told before anything is written."""

    def write(self, dataset: Dataset, out: Path, options: WriteOptions) -> list[Finding]:
        """Write the dataset to out (atomically); findings tell what was clipped, renamed or left out."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxSizes:
    """Sizes of boxes in columns: (m, 2) width and height of what lies in the picture, as fractions of the picture.

    labels are names, label tells which of them each box has (a box with two stands here twice). left_out is how many
    boxes have no size, or none inside their picture.
    """

    labels: tuple[str, ...]
    label: NDArray[np.intp]
    sizes: NDArray[np.float64]
    left_out: int = 0


@runtime_checkable
class SizeReader(Protocol):
    """What a format may offer beside: the sizes of all boxes, where they can be had without making documents."""

    def read_sizes(self, path: Path, options: ReadOptions) -> BoxSizes:
        """Sizes of the boxes that are not held out; raises what read raises."""


# ---------------------------------------------------------------- validator


class Notes(Protocol):
    """What was found out about pictures, so that the same bytes are not decoded again at the next check.

    A key is the SHA-256 of the bytes. Any other text may be one too, and is then this project's own.
    """

    def recall(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """What is known of these keys; unknown ones are left out."""

    def keep(self, kind: str, found: Mapping[str, bytes]) -> None:
        """Remember this."""


class Notebook:
    """Notes that end with the check."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, bytes]] = {}

    def recall(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """What is known of these keys; unknown ones are left out."""
        known = self._kinds.get(kind, {})
        return {key: known[key] for key in keys if key in known}

    def keep(self, kind: str, found: Mapping[str, bytes]) -> None:
        """Remember this."""
        self._kinds.setdefault(kind, {}).update(found)


@dataclass(frozen=True, slots=True)
class View:
    """What a validator sees; documents can be iterated more than once. network is (width, height) in pixels.

    A document's held_out says on which side of the split its picture is: the newest version's, else the tool's own.
    sizes are the smallest and the largest one that a training with random=1 goes through (None: it keeps to one).
    bare tells that darknet itself will read these files as they lie there, under these names.
    """

    labels: tuple[str, ...]
    documents: Iterable[Document]
    network: tuple[int, int] = (416, 416)
    max_megapixels: int = 200
    sizes: tuple[tuple[int, int], tuple[int, int]] | None = None
    bare: bool = False
    notes: Notes = field(default_factory=Notebook, compare=False)


class Validator(Protocol):
    """One rule over a project or a file; never changes anything."""

    rule: str

    def check(self, view: View) -> Iterable[Finding]:
        """All findings of this rule."""


# ---------------------------------------------------------------- engine


@dataclass(frozen=True, slots=True)
class Command:
    """One program to start: an argument list (never a shell string), extra environment, and what it reads as input."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    stdin: bytes = b""


@dataclass(frozen=True, slots=True)
class Output:
    """What a program wrote and how it ended."""

    out: str
    err: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What the installed engine is and can do; capabilities are words such as gpu, map, opencv, calc_anchors."""

    engine: str
    fork: str
    version: str
    binary: str
    capabilities: frozenset[str] = frozenset()
    gpu_count: int = 0


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one training in its own fresh folder; weights is None for random ones."""

    folder: Path
    data: Path
    cfg: Path
    names: Path
    train: Path
    valid: Path
    backup: Path
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class SavedWeights:
    """A weights file on disk as the engine named it; sound tells whether size and header fit the cfg."""

    path: Path
    iteration: int
    kind: Literal["numbered", "last", "best", "final"]
    sound: bool


class LogParser(Protocol):
    """Turns raw output into events, one stream at a time, whatever the chunks."""

    def feed(self, stream: Stream, chunk: bytes) -> list[RunEvent]:
        """The events of all lines completed by this chunk."""

    def end(self) -> list[RunEvent]:
        """The events of what was left without a newline."""


@dataclass(frozen=True, slots=True)
class RecipeWish:
    """What a person asked of a training; None = the engine's own choice.

    cfg is a text to train with: exactly as it is, or with adapt edited for classes, anchors and size. Else a built-in
    template is filled in. pictures is the number of training pictures; weights the blob (SHA-256) to start from.
    """

    classes: tuple[str, ...]
    pictures: int
    template: str = "yolov4-tiny"
    cfg: str | None = None
    adapt: bool = False
    anchors: Anchors | None = None
    network: tuple[int, int] | None = None
    batch: int | None = None
    subdivisions: int | None = None
    max_batches: int | None = None
    gpus: tuple[int, ...] = ()
    weights: str | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a training will leave behind: bytes of one weights file, and how many checkpoints it keeps."""

    weights_bytes: int
    checkpoints: int


class Engine(Protocol):
    """A trainer: says what to run and how to read it; text and files in, records out, never starts anything."""

    name: str

    def template(self, info: EngineInfo | None) -> str:
        """The built-in network to train when nobody names one, as this build can train it."""

    def anchors_wanted(self, wish: RecipeWish) -> tuple[int, tuple[int, int]]:
        """How many anchors the network of a wish takes, and its size; 0 anchors when the given cfg keeps its own."""

    def anchors_of(self, cfg: str, name: str) -> GivenAnchors | None:
        """The anchors that a cfg of this name has; None where it has none that can be read."""

    def published_anchors(self, n: int) -> GivenAnchors | None:
        """The n anchors that the engine's authors give their networks with; None where there are no such."""

    def draft(self, wish: RecipeWish) -> Recipe:
        """The complete recipe of a wish; raises InputError for a cfg that cannot be read or adapted."""

    def outlook(self, recipe: Recipe, info: EngineInfo | None) -> Outlook:
        """What a recipe will leave behind, as the fork saves (the newest one when it is not known)."""

    def probes(self, binary: str) -> tuple[Command, ...]:
        """Harmless commands whose output tells what the program is."""

    def recognise(self, binary: str, outputs: Sequence[Output]) -> EngineInfo:
        """Read the probes' output."""

    def check_weights(self, path: Path, recipe: Recipe, info: EngineInfo | None) -> list[Finding]:
        """What is wrong with a weights file to start this recipe from."""

    def preflight(self, recipe: Recipe, info: EngineInfo | None, pictures: int) -> list[Finding]:
        """Every rule of the engine that this recipe breaks; an error would stop or spoil the training."""

    def prepare(self, folder: Path, recipe: Recipe, train: Sequence[Path], valid: Sequence[Path]) -> RunFiles:
        """Write cfg, names, lists and data file into a fresh folder."""

    def command(self, files: RunFiles, recipe: Recipe, info: EngineInfo, resume: bool) -> Command:
        """The command that trains."""

    def parser(self) -> LogParser:
        """A fresh reader of this engine's output."""

    def saved(self, files: RunFiles, recipe: Recipe) -> list[SavedWeights]:
        """The weights in the backup folder, oldest first."""

    def classify(self, events: Sequence[RunEvent], output: Output, max_batches: int) -> Failure | None:
        """Why it ended, or None if it trained to the end; the exit code alone proves nothing."""

    def explain(self, log: Path, language: str = "en") -> dict[str, Any]:
        """What happened in a run, from its saved console output or our transcript, as `explain --json` prints it."""


# ---------------------------------------------------------------- detector and evaluator


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """How to detect; these decide the numbers and are stored with every Scores.

    resize: "darknet" (align corners) or "half-pixel" (OpenCV). epsilon: "pjreddie" sqrt(var)+1e-6, or "alexeyab"
    sqrt(var+1e-5), the batch-norm rule of the fork that trained the weights.
    """

    threshold: float = 0.005
    nms: float = 0.45
    resize: Literal["darknet", "half-pixel"] = "darknet"
    letterbox: bool = False
    epsilon: Literal["pjreddie", "alexeyab"] = "alexeyab"
    max_per_class: int | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """One detected box in pixels of the picture as stored: class index, score 0..1, corners."""

    class_id: int
    score: float
    left: float
    top: float
    right: float
    bottom: float


class LoadedDetector(Protocol):
    """A network ready to look at pictures."""

    classes: int
    identity: dict[str, Any]

    def detect(self, pictures: Sequence[Path]) -> Iterable[list[Detection]]:
        """One list of detections per picture, in order."""


class Detector(Protocol):
    """Loads a network from cfg text and a weights file; raises InputError on what it cannot read, by name."""

    name: str

    def load(self, cfg: str, weights: Path, options: DetectorOptions) -> LoadedDetector:
        """Build the network."""


@dataclass(frozen=True, slots=True)
class BoxTable:
    """Boxes in columns: picture index (int64), class index (int64), corners (n, 4) float64 and, for detections, score.

    pictures and classes are the names behind the indices. area and crowd are what a COCO file says of its truth: the
    area of the thing itself (None: of its box), and whether the box stands for many things at once (None: nowhere).
    sizes are width and height as a file gives them (None: what lies between the corners, which went through a sum).
    """

    pictures: tuple[str, ...]
    classes: tuple[str, ...]
    picture: NDArray[np.int64]
    class_id: NDArray[np.int64]
    corners: NDArray[np.float64]
    score: NDArray[np.float64] | None = None
    area: NDArray[np.float64] | None = None
    crowd: NDArray[np.bool_] | None = None
    sizes: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """iou: the least overlap of a match (darknet: strictly above). points: 0 = area under the curve, else 11 or 101.

    threshold: detections above this score are counted as right or wrong; no AP depends on it.
    """

    iou: float = 0.5
    points: int = 0
    threshold: float = 0.25


@dataclass(frozen=True, slots=True)
class Ranking:
    """All that an AP is made of: detections in falling score, each in its picture, of its class, right or wrong.

    truths counts the objects, pictures x classes. points is how the curve is measured, as in ScoreOptions. What a
    picture holds is matched by itself, so that any choice of pictures has an AP of its own.
    """

    pictures: tuple[str, ...]
    classes: tuple[str, ...]
    picture: NDArray[np.int64]
    class_id: NDArray[np.int64]
    right: NDArray[np.bool_]
    truths: NDArray[np.int64]
    points: int = 0


class Evaluator(Protocol):
    """One protocol of average precision."""

    name: str

    def score(self, truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> Scores:
        """AP per class and the mean, as the protocol defines it."""


class Ranker(Evaluator, Protocol):
    """An evaluator that also tells what its AP is made of, from which intervals over the pictures are drawn."""

    def rank(self, truth: BoxTable, detections: BoxTable, options: ScoreOptions) -> Ranking:
        """Detections that have a score above 0, in falling score, equal ones in the order given."""


class BoxFiles(Protocol):
    """Reads truth and detections from files for scoring; bad entries become findings and the rest counts."""

    name: str

    def read(self, truth: Path, detections: Path) -> tuple[BoxTable, BoxTable, list[Finding]]:
        """Truth, detections (over the truth's pictures and classes), and what was wrong with single entries."""


# ---------------------------------------------------------------- anchors


class AnchorFitter(Protocol):
    """Fits n anchors to box sizes: an (m, 2) float array of width, height in pixels of the network size."""

    name: str

    def fit(self, sizes: NDArray[np.float64], n: int, seed: int, network: tuple[int, int]) -> Anchors:
        """The anchors, smallest area first; raises InputError when there are fewer distinct boxes than anchors."""

    def masks(self, n: int, heads: int) -> tuple[tuple[int, ...], ...]:
        """Which anchors each detection head gets, the finest head (small boxes) first."""


# ---------------------------------------------------------------- source


@dataclass(frozen=True, slots=True)
class Changes:
    """What a pull found: new or changed documents, items gone, and the cursor for the next pull.

    whole: the documents are all that the tool holds, not only what changed. present are the ids of all its items, from
    a tool that cannot say itself what is gone. The id of a document's image is ours, where the tool still knows it.
    """

    labels: tuple[str, ...]
    documents: Iterable[Document]
    cursor: str
    gone: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    colors: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    whole: bool = False
    present: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """What a push did: how many predictions arrived, which were refused by the tool and why.

    written is how many pictures got the labels that people have given them elsewhere since.
    """

    sent: int
    accepted: int
    refused: tuple[Finding, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)
    written: int = 0


@dataclass(frozen=True, slots=True)
class PushItem:
    """One picture's predictions for a tool: its own id of the picture, and the picture's size in pixels."""

    item: str
    width: int
    height: int
    prediction: Prediction
    orientation: int = 1


class SourceOpener(Protocol):
    """What the registry knows under source:<kind>; makes a connection from what the store keeps of it."""

    kind: str

    def open(self, source: Source, secret: str | None) -> ToolSource:
        """The tool at source.place; secret are its credentials, unsealed. Does not reach out yet."""


class ToolSource(Protocol):
    """One connected labeling tool."""

    kind: str

    def pull(self, cursor: str | None) -> Changes:
        """Everything that changed since the cursor (None: everything)."""

    def push(self, version: str, items: Sequence[PushItem], replaces: Sequence[str]) -> PushOutcome:
        """Put predictions of a model version beside the labels, replacing older versions, never a person's boxes."""

    def health(self) -> list[Finding]:
        """What is wrong with the connection; empty when all is well."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What the files of a tool hold: labels in its order, all documents, and how the files looked before.

    by_name is False where pictures are known by their place in a folder only. findings are about the whole project.
    """

    labels: tuple[str, ...]
    documents: tuple[Document, ...]
    stamps: Stamps
    title: str = ""
    colors: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    by_name: bool = True
    findings: tuple[Finding, ...] = ()


class ToolFolder(ToolSource, Protocol):
    """A tool whose project is files that it shares with us; it knows nothing of us and may write at any time."""

    def stamps(self) -> Stamps:
        """How the project's files look; none of them is read. Raises NotFoundError when the place is not there."""

    def half_written(self, paths: Iterable[str]) -> list[str]:
        """Those of these files that are not whole, as while somebody writes them."""

    def hold(self) -> Holding:
        """All that the files say now."""

    def losses(self, holding: Holding, documents: Sequence[Document]) -> list[Finding]:
        """What would not come back as it is if these documents were written."""

    def write(self, holding: Holding, documents: Sequence[Document], renamed: Mapping[str, str]) -> list[Finding]:
        """Write a person's labels over what the files held, picture by picture, and touch nothing else.

        A file that looks otherwise than in the holding is left as it is: ConflictError file-moved-on, or a finding
        moved-on about the one picture. renamed are labels that the project lists under a former name.
        """


@dataclass(frozen=True, slots=True)
class Offer:
    """A picture for a tool to show: link is where a browser finds it; None: the file itself is sent."""

    image: Image
    link: str | None


# What a tool shows us to be let in: a header with its events, and this user with a password as our ML backend's client.
SECRET_HEADER = "X-Labelbridge-Secret"
BACKEND_USER = "labelbridge"


@dataclass(frozen=True, slots=True)
class Ears:
    """Where a tool shall tell us what happens, and the secret that goes into SECRET_HEADER.

    backend is the address of our ML backend, if it is wanted, with the password for BACKEND_USER.
    """

    webhook: str
    secret: str
    backend: str | None = None
    password: str = ""


class ToolServer(ToolSource, Protocol):
    """A labeling tool with a server that can be set up by us; all of these may be called again without harm."""

    def verify(self) -> str:
        """Who we are there; raises AccessError when we are not let in, NotFoundError when its project is gone."""

    def make(self, title: str, labels: Sequence[str], colors: Mapping[str, str]) -> dict[str, Any]:
        """Make a project there; gives what Source.options must hold to find it again."""

    def declare(self, labels: Sequence[str], colors: Mapping[str, str]) -> list[Finding]:
        """Tell it our labels, where its label list is ours; else findings for those that it does not know."""

    def listen(self, ears: Ears) -> list[Finding]:
        """Let it tell us what happens; findings are what a person should know of it."""

    def offer(self, pictures: Sequence[Offer]) -> tuple[dict[int, str], list[Finding]]:
        """Show it pictures; gives its own ids by image id, also of those that it had already."""

    def fetch(self, items: Sequence[str]) -> Changes:
        """These items as they are now; those that are not there any more are gone."""

    def prelabels(self, config: str, version: str, items: Sequence[PushItem]) -> list[dict[str, Any]]:
        """Predictions in the tool's own form, in order; config is its labeling config ("": as last read). No I/O."""


# ---------------------------------------------------------------- listeners

hookspec = pluggy.HookspecMarker("labelbridge")
hookimpl = pluggy.HookimplMarker("labelbridge")


class Listeners:
    """Events that plugins may listen to; a listener may take fewer arguments than named here."""

    @hookspec
    def run_changed(self, run_id: str, state: str) -> None:
        """A run changed its state."""

    @hookspec
    def dataset_cut(self, project: str, version: str) -> None:
        """A dataset version was cut."""

    @hookspec
    def findings_changed(self, project: str, counts: dict[str, int]) -> None:
        """A check of a project ended; counts by rule."""
