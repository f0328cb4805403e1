"""Frozen dataset versions."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import Field

from bridge.loop.cut import CutOptions, cut
from bridge.model.dataset import DatasetVersion
from bridge.store import datasets, projects
from bridge.web.api import answer, area
from bridge.web.api.paging import after_number, cut_off, slice_of
from bridge.web.api.schemas import (
    NO_TEXT,
    FindingOut,
    Flag,
    Given,
    OfProject,
    OfVersion,
    Page,
    Paged,
    Seed,
    Taken,
)
from bridge.web.auth import require, who
from bridge.web.current import workspace


class CutIn(Taken):
    """How to split: fraction is for training; what was held out once stays held out."""

    fraction: Annotated[float, Field(gt=0, le=1), NO_TEXT] = 0.9
    seed: Seed = 0
    keep_pictures: Flag = Field(False, description="copy the pictures' bytes, so that the originals may go")
    held_out: list[str] | None = Field(None, description="names of the pictures to hold out; null for our choice")


class VersionOut(Given):
    """A frozen version; its id is the SHA-256 of labels, pictures, boxes and split."""

    id: str
    project: str
    labels: list[str]
    seed: int
    fraction: float
    created: str


class VersionWhole(VersionOut):
    """A version with how many pictures it trains on and holds out."""

    train: int
    valid: int


class CutOut(Given):
    """What was frozen, whether it is new, and what was left out and why."""

    version: VersionWhole
    new: bool
    findings: list[FindingOut]


class MemberOut(Given):
    """One picture of a version."""

    image_id: int
    name: str
    sha256: str
    revision_id: int
    part: Literal["train", "valid"]


def blueprint() -> APIBlueprint:
    """Routes of dataset versions."""
    api = area("datasets", "Frozen dataset versions: labels, pictures and split under one hash.")
    api.get("/projects/<project>/versions", responses={200: Page[VersionOut]})(list_versions)
    api.post("/projects/<project>/versions", responses={200: CutOut, 201: CutOut})(cut_version)
    api.get("/versions/<version>", responses={200: VersionWhole})(get_version)
    api.get("/versions/<version>/members", responses={200: Page[MemberOut]})(list_members)
    return api


@require("admin", "read")
def list_versions(path: OfProject, query: Paged) -> Response:
    """Versions of a project, newest first."""
    with workspace().db.read() as tx:
        found = datasets.listing(tx, projects.find(tx, path.project).id)
    return answer(slice_of(found, query, VersionOut.model_validate))


@require("admin")
def cut_version(path: OfProject, body: CutIn) -> Response:
    """Freeze the present labels: 201 for a new version, 200 when an equal one is there already."""
    held_out = None if body.held_out is None else frozenset(body.held_out)
    options = CutOptions(body.fraction, body.seed, held_out, body.keep_pictures, who())
    done = cut(workspace(), path.project, options)
    found = [FindingOut.of(f) for f in done.findings]
    parts = {"train": len(done.version.part("train")), "valid": len(done.version.part("valid"))}
    return answer(CutOut(version=_whole(done.version, parts), new=done.new, findings=found), 201 if done.new else 200)


@require("admin", "read")
def get_version(path: OfVersion) -> Response:
    """A version by its hash or the beginning of it."""
    with workspace().db.read() as tx:
        return answer(_whole(*datasets.glance(tx, path.version)))


@require("admin", "read")
def list_members(path: OfVersion, query: Paged) -> Response:
    """The pictures of a version."""
    with workspace().db.read() as tx:
        version, _ = datasets.glance(tx, path.version)
        found = datasets.members(tx, version.id, after_number(query), query.limit + 1)
    return answer(cut_off(found, query, MemberOut.model_validate, lambda member: member.image_id))


def _whole(version: DatasetVersion, parts: dict[str, int]) -> VersionWhole:
    plain = VersionOut.model_validate(version).model_dump()
    return VersionWhole(**plain, train=parts["train"], valid=parts["valid"])
