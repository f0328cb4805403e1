"""What the API takes and gives, as models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Taken(BaseModel):
    """A request body; an unknown field is an error, not a silent nothing."""

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
