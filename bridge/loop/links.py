"""Addresses under which anybody may fetch one picture until they expire: what annotators' browsers are given."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

from bridge.model.annotation import Image
from bridge.settings import Settings
from bridge.store import secret


def picture_link(settings: Settings, image: Image, expires: int) -> str:
    """The address of a stored picture, good until a time (seconds since 1970); the name in it is only for people."""
    assert image.id is not None
    name = quote(image.name.rpartition("/")[2], safe="")
    signed = signature(settings, image.id, expires)
    return f"{settings.url()}/pictures/{image.id}/{name}?expires={expires}&sig={signed}"


def signature(settings: Settings, image_id: int, expires: int) -> str:
    """What only this installation can write under a picture and a time."""
    key = secret.key(settings, "pictures")
    digest = hmac.digest(key, f"{image_id}:{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
