"""What the API takes and gives, as models; answers are read from the nouns by field name."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from bridge import texts
from bridge.model.finding import Finding
from bridge.model.job import JobState
from bridge.model.training import Failure, Run

Item = TypeVar("Item")
# Ids of pictures and deliveries; both databases keep 64 bits, JSON readers 53.
Number = Annotated[int, Field(ge=1, le=2**53 - 1)]


def _no_text(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("a number is wanted")
    return value


# In a body 0 is no false, and neither "5" nor true is a number; 5.0 is one. (It must stand behind the bounds, or the
# description of the API loses them.)
Flag = StrictBool
NO_TEXT = BeforeValidator(_no_text)
Seed = Annotated[int, Field(ge=0, le=2**31 - 1), NO_TEXT]
Side = Annotated[int, Field(ge=32, le=4096), NO_TEXT]
# Width and height in pixels; a list, since the description of a pair would lose the bounds of its numbers.
Size = Annotated[list[Side], Field(min_length=2, max_length=2)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Taken(BaseModel):
    """A request body or query; an unknown field is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid")


class Given(BaseModel):
    """An answer, read from a noun by its field names."""

    model_config = ConfigDict(from_attributes=True)


class Problem(Given):
    """Why a request was refused (RFC 9457); rule and fields are for programs, detail is for people."""

    type: str
    title: str
    status: int
    detail: str
    rule: str
    fields: dict[str, Any]


class Page(Given, Generic[Item]):
    """One page of a list; `next` is the cursor of the following one, null at the end."""

    items: list[Item]
    next: str | None


class Paged(Taken):
    """How to walk through a list: the cursor is what the last page gave as `next`, unchanged."""

    cursor: str | None = Field(None, pattern="^[0-9]{1,15}$")
    limit: int = Field(50, ge=1, le=500)


class PagedByTime(Paged):
    """How to walk through a list whose newest items come first."""

    cursor: str | None = Field(None, pattern="^[0-9TZ:.-]{1,40}$")


# ---------------------------------------------------------------- what stands in a path


class OfProject(BaseModel):
    """A project in a path."""

    project: Name = Field(description="id or name of the project")


class OfImage(BaseModel):
    """A picture in a path."""

    image: Number


class OfVersion(BaseModel):
    """A dataset version in a path."""

    version: str = Field(min_length=4, max_length=64, pattern="^[0-9a-f]+$", description="hash, or its beginning")


class OfRun(BaseModel):
    """A run in a path."""

    run: str = Field(min_length=4, max_length=40, pattern="^[0-9a-zA-Z-]+$", description="id, or its beginning")


class OfJob(BaseModel):
    """A job in a path."""

    job: str = Field(max_length=40, pattern="^[0-9a-zA-Z-]+$")


# ---------------------------------------------------------------- answers that more than one noun gives


class FindingOut(Given):
    """One finding; `message` is English, rule and fields are what it is made of."""

    id: int | None
    rule: str
    severity: Literal["error", "warning", "info"]
    image: str | None
    region: int | None
    fix: str | None
    message: str
    fields: dict[str, Any]

    @classmethod
    def of(cls, f: Finding) -> FindingOut:
        """A finding with its sentence."""
        return cls(
            id=f.id,
            rule=f.rule,
            severity=f.severity.value,
            image=f.image,
            region=f.region,
            fix=f.fix.value if f.fix else None,
            message=texts.render("findings", f.rule, {"image": f.image, **f.fields}),
            fields=f.fields,
        )


class JobOut(Given):
    """One piece of due work."""

    id: str
    kind: str
    queue: str
    state: JobState
    project: str | None
    payload: dict[str, Any]
    cause: str
    attempts: int
    progress: dict[str, Any]
    failure: dict[str, Any] | None
    cancel_wanted: bool
    created: str


class JobsOut(Given):
    """The jobs that this request made due."""

    jobs: list[str]


class FailureOut(Given):
    """Why a run ended badly, in words; keys and fields are what the words are made of."""

    kind: str
    cause: str
    action: str
    tail: list[str]
    keys: dict[Literal["cause", "action"], str]
    fields: dict[str, Any]

    @classmethod
    def of(cls, failure: Failure, language: str = "en") -> FailureOut:
        """A failure with its sentences."""
        cause = texts.render("failures", failure.cause, failure.fields, language)
        action = texts.render("failures", failure.action, failure.fields, language)
        return cls(
            kind=failure.kind,
            cause=cause,
            action=action,
            tail=list(failure.tail),
            keys={"cause": failure.cause, "action": failure.action},
            fields=failure.fields,
        )


class RecipeOut(Given):
    """What decides a training besides the data; `cfg` is there when one run is asked for."""

    engine: str
    width: int
    height: int
    batch: int
    subdivisions: int
    max_batches: int
    classes: list[str]
    gpus: list[int]
    weights: str | None
    cfg: str | None = None


class RunOut(Given):
    """One training."""

    id: str
    project: str
    version: str
    job: str
    state: JobState
    node: str | None
    iteration: int
    created: str
    started: str | None
    ended: str | None
    recipe: RecipeOut
    failure: FailureOut | None

    @classmethod
    def of(cls, run: Run, cfg: bool = False) -> RunOut:
        """A run; with its cfg when one was asked for."""
        recipe = RecipeOut.model_validate(run.recipe)
        return cls(
            id=run.id,
            project=run.project,
            version=run.version,
            job=run.job_id,
            state=run.state,
            node=run.node,
            iteration=run.iteration,
            created=run.created,
            started=run.started,
            ended=run.ended,
            recipe=recipe if cfg else recipe.model_copy(update={"cfg": None}),
            failure=FailureOut.of(run.failure) if run.failure else None,
        )
