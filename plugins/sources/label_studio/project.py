"""Setting a project up: made with our labels, its webhook, and us as its ML backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from bridge.errors import BridgeError, InputError, NotFoundError
from bridge.model.finding import Finding, Severity
from bridge.plugin import BACKEND_USER, SECRET_HEADER, Ears
from plugins.formats.label_studio.config import LabelConfig, default_config, writable
from plugins.sources.label_studio.client import Client

# Never all actions: with such a webhook on a project its own label page fails with 500.
ACTIONS = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "TASKS_CREATED",
    "TASKS_DELETED",
)
_TITLE = "labelbridge"


def make(client: Client, title: str, labels: Sequence[str], colors: Mapping[str, str]) -> int:
    """Make a project that draws boxes with these labels; gives its id. Titles have 3 to 50 characters."""
    title = title if len(title) >= 3 else f"{title} (labelbridge)"
    body = {"title": title[:50], "label_config": default_config(labels, colors)}
    return int(client.post("/api/projects/", body)["id"])


def with_labels(config: LabelConfig, labels: Sequence[str], colors: Mapping[str, str]) -> str | None:
    """The labeling config with the labels that it lacks, everything else kept; None when it lacks none."""
    from defusedxml.ElementTree import fromstring

    missing = [label for label in labels if writable(label) not in config.labels]
    if not missing:
        return None
    root: Element = fromstring(config.xml)
    control = next((e for e in root.iter() if e.tag.lower() == "rectanglelabels"), None)
    if control is None:
        raise InputError("label-config-no-boxes")
    for label in missing:
        color = {"background": colors[label]} if colors.get(label) else {}
        SubElement(control, "Label", {"value": writable(label), **color})
    return tostring(root, encoding="unicode")


# ---------------------------------------------------------------- being told


def listen(client: Client, project: int, ears: Ears) -> list[Finding]:
    """Make (or bring up to date) the webhook and, if it is wanted, the ML backend."""
    _hook(client, project, ears.webhook, ears.secret)
    if ears.backend is None:
        return []
    before = client.get(f"/api/projects/{project}/").get("model_version")
    _register(client, project, ears)
    # Connecting selects the backend's title as version: then every "next task" would wait for us.
    client.patch(f"/api/projects/{project}/", {"model_version": before or ""})
    # The backend's own webhook comes without any secret, for all actions; it is silently missing for some addresses.
    address = f"{ears.backend}/webhook"
    if not any(hook["url"] == address for hook in _hooks(client, project)):
        return [Finding("backend-webhook-missing", Severity.WARNING, None, {"url": address})]
    _hook(client, project, address, ears.secret)
    return []


def hooked(client: Client, project: int, address: str) -> bool:
    """Whether an active webhook tells this address of annotations."""
    return any(h["url"] == address and h["is_active"] for h in _hooks(client, project))


def _hooks(client: Client, project: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/webhooks/", project=project)
    return found


def _hook(client: Client, project: int, address: str, secret: str) -> None:
    told = {
        "url": address,
        "project": project,
        "send_payload": True,
        "send_for_all_actions": False,
        "actions": list(ACTIONS),
        "headers": {SECRET_HEADER: secret},
        "is_active": True,
    }
    first, *second = [hook["id"] for hook in _hooks(client, project) if hook["url"] == address] or [None]
    if first is None:
        client.post("/api/webhooks/", told)
    else:
        client.patch(f"/api/webhooks/{first}/", told)
    for number in second:
        client.delete(f"/api/webhooks/{number}/")


def _register(client: Client, project: int, ears: Ears) -> None:
    told = {
        "project": project,
        "url": ears.backend,
        "title": _TITLE,
        "auth_method": "BASIC_AUTH",
        # Sent every time: a change without them is tried without any password, and fails.
        "basic_auth_user": BACKEND_USER,
        "basic_auth_pass": ears.password,
        "is_interactive": False,
    }
    known = [backend["id"] for backend in client.get("/api/ml/", project=project) if backend["url"] == ears.backend]
    try:
        if known:
            client.patch(f"/api/ml/{known[0]}", told)
        else:
            client.post("/api/ml/", told)
    except (InputError, NotFoundError) as error:
        raise InputError("ml-backend-refused", url=ears.backend, detail=_said(error)) from None


def _said(error: BridgeError) -> str:
    return str(error.fields.get("detail", error.rule))
