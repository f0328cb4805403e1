"""Label Studio as a source: tasks in, predictions out, over its REST interface (1.23)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import BridgeError, InputError
from bridge.model.annotation import Document
from bridge.model.finding import Finding, Severity
from bridge.model.project import Source
from bridge.plugin import Changes, Ears, Offer, PushItem, PushOutcome
from plugins.formats.halves import bad_text, made_whole
from plugins.formats.halves import whole as whole_text
from plugins.formats.label_studio.config import LabelConfig, parse_config
from plugins.formats.label_studio.naming import address, picture_name
from plugins.formats.label_studio.task import read_task
from plugins.sources.label_studio import project
from plugins.sources.label_studio.client import Client
from plugins.sources.label_studio.downloads import Downloads
from plugins.sources.label_studio.offers import Offers, ours_in
from plugins.sources.label_studio.predictions import Predictions, body_of
from plugins.sources.label_studio.tasks import Task, Tasks

# Read once more what changed shortly before the last reading: a slow transaction becomes visible late.
_OVERLAP_SECONDS = 300.0
# Some changes leave no trace in updated_at (relabelling in bulk), so once a day everything is compared.
_WHOLE_SECONDS = 86_400.0


class _Cursor(msgspec.Struct):
    """Times by Label Studio's clock: of the last reading, and of the last one that read everything."""

    since: float
    whole: float


class LabelStudioSource:
    """Opens projects of a Label Studio server."""

    kind = "label-studio"

    def open(self, source: Source, secret: str | None) -> LabelStudioProject:
        """The project options["ls_project"] of the server at source.place; secret is a token of either kind."""
        return LabelStudioProject(source, Client(source.place, secret or ""))


class LabelStudioProject:
    """One project of a Label Studio server, as one user of it.

    options: ls_project (its number there), owns_config (its label list is ours to extend), pictures (folder for
    pictures that are fetched), fetch_hosts (others that may be asked for pictures), webhook (address of ours).
    """

    kind = "label-studio"

    def __init__(self, source: Source, client: Client) -> None:
        self._source, self._client = source, client
        self._known_people: dict[int, str] | None = None

    # ------------------------------------------------------------ reading

    def pull(self, cursor: str | None) -> Changes:
        """Tasks touched since the cursor, and the ids of all; everything when there is none, and once a day."""
        before = _cursor(cursor)
        answer = self._client.answer(self._path())
        config = parse_config(whole_text(answer.body["label_config"]))
        whole = before is None or answer.at - before.whole > _WHOLE_SECONDS
        since = None if before is None or whole else before.since - _OVERLAP_SECONDS
        now = _Cursor(answer.at, answer.at if before is None or whole else before.whole)
        return Changes(
            config.labels,
            self._documents(self._tasks().changed(since), config),
            msgspec.json.encode(now).decode(),
            colors=config.colors,
            extra={"label-studio": {"config": config.xml}},
            whole=whole,
            present=self._tasks().ids(),
        )

    def fetch(self, items: Sequence[str]) -> Changes:
        """These tasks as they are now."""
        config = self._config()
        numbers = [int(item) for item in items if item.isdecimal()]
        found = list(self._tasks().named(numbers))
        gone = {str(number) for number in numbers} - {str(task["id"]) for task in found}
        documents = list(self._documents(found, config))
        extra = {"label-studio": {"config": config.xml}}
        return Changes(config.labels, documents, "", tuple(sorted(gone)), colors=config.colors, extra=extra)

    def _documents(self, tasks: Iterable[Task], config: LabelConfig) -> Iterator[Document]:
        options = self._source.options
        folder = Path(options["pictures"]) if options.get("pictures") else None
        downloads = Downloads(self._client, folder, frozenset(options.get("fetch_hosts", ())))
        for task in tasks:
            # JSON can spell half a character, and no store can hold one.
            sound, halves = made_whole(self._with_people(task))
            document = self._document(sound, config, downloads)
            said = bad_text(Path(f"task {task['id']}"), halves)
            notes = tuple(replace(finding, image=document.image.name) for finding in said)
            yield replace(document, findings=(*notes, *document.findings)) if notes else document

    def _document(self, task: Task, config: LabelConfig, downloads: Downloads) -> Document:
        image_id = ours_in(task, self._source.project)
        if image_id is not None:
            document = read_task(task, config)
            return replace(document, image=replace(document.image, id=image_id))
        picture, notes = downloads.bring(str(task["id"]), picture_name(task, config), address(task, config))
        document = read_task(task, config, picture)
        return replace(document, findings=(*notes, *document.findings))

    def _with_people(self, task: Task) -> Task:
        """Who labelled, by address: lists give people as numbers."""
        annotations = task.get("annotations")
        if not annotations:
            return task
        people = self._people()
        named = [
            {**a, "completed_by": {"id": a["completed_by"], "email": people.get(a["completed_by"], "")}}
            if isinstance(a.get("completed_by"), int)
            else a
            for a in annotations
        ]
        return {**task, "annotations": named}

    def _people(self) -> dict[int, str]:
        if self._known_people is None:
            try:
                users = self._client.get("/api/users/")
            except BridgeError:
                users = []  # Not everybody may list them; then they stay numbers.
            self._known_people = {user["id"]: str(user.get("email") or "") for user in users}
        return self._known_people

    # ------------------------------------------------------------ predictions

    def push(self, version: str, items: Sequence[PushItem], replaces: Sequence[str]) -> PushOutcome:
        """Put predictions beside the labels: import, look what arrived, show, then delete older versions."""
        return Predictions(self._client, self._number(), self._config()).push(version, items, replaces)

    def prelabels(self, config: str, version: str, items: Sequence[PushItem]) -> list[dict[str, Any]]:
        """Predictions as an ML backend answers them; without a config, in the one that was last read."""
        # Label Studio is not asked here: it waits for this very answer.
        kept = self._source.options.get("extra", {}).get("label-studio", {}).get("config", "")
        read = parse_config(config or kept) if config or kept else LabelConfig()
        return [body_of(item, version, read) for item in items]

    # ------------------------------------------------------------ setting up

    def verify(self) -> str:
        """Who we are there; raises InputError label-config-no-boxes for a project in which no box can be drawn."""
        who = self._client.get("/api/current-user/whoami")
        if self._source.options.get("ls_project") is not None and not self._config().draws("rectangle"):
            raise InputError("label-config-no-boxes")
        return str(who.get("email") or who.get("username") or who["id"])

    def make(self, title: str, labels: Sequence[str], colors: Mapping[str, str]) -> dict[str, Any]:
        """Make a project with our labels."""
        return {"ls_project": project.make(self._client, title, labels, colors), "owns_config": True}

    def declare(self, labels: Sequence[str], colors: Mapping[str, str]) -> list[Finding]:
        """Add labels to the config that we made; of somebody else's say which it lacks."""
        config = self._config()
        if self._source.options.get("owns_config"):
            xml = project.with_labels(config, labels, colors)
            if xml is not None:
                self._client.patch(self._path(), {"label_config": xml})
            return []
        lacking = [label for label in labels if label not in config.labels]
        return [Finding("label-not-in-tool", Severity.WARNING, None, {"label": label}) for label in lacking]

    def listen(self, ears: Ears) -> list[Finding]:
        """Webhook, and ML backend if it is wanted."""
        return project.listen(self._client, self._number(), ears)

    def offer(self, pictures: Sequence[Offer]) -> tuple[dict[int, str], list[Finding]]:
        """One task for each picture."""
        key = self._config().image_key
        return Offers(self._client, self._number(), self._source.project, key).offer(pictures)

    def health(self) -> list[Finding]:
        """Whether it answers, knows us and our project, and tells us of annotations."""
        place = {"place": self._source.place}
        try:
            self.verify()
            hook = self._source.options.get("webhook")
            if hook and not project.hooked(self._client, self._number(), hook):
                return [Finding("webhook-missing", Severity.WARNING, None, {**place, "url": hook})]
        except BridgeError as error:
            return [Finding("source-unhealthy", Severity.ERROR, None, {**place, "reason": error.rule})]
        return []

    # ------------------------------------------------------------ where it is

    def _number(self) -> int:
        return int(self._source.options["ls_project"])

    def _path(self) -> str:
        return f"/api/projects/{self._number()}/"

    def _tasks(self) -> Tasks:
        return Tasks(self._client, self._number())

    def _config(self) -> LabelConfig:
        return parse_config(whole_text(self._client.get(self._path())["label_config"]))


def _cursor(text: str | None) -> _Cursor | None:
    try:
        return msgspec.json.decode(text, type=_Cursor) if text else None
    except msgspec.MsgspecError:
        return None
