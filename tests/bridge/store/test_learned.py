"""What is known of bytes, kept from check to check."""

from __future__ import annotations

from bridge.store import learned
from bridge.store.database import Database

SHA, OTHER = "a" * 64, "b" * 64


def test_what_was_learned_of_bytes_lasts(database: Database) -> None:
    notes = learned.StoredNotes(database)
    notes.keep("print-1", {SHA: b"1", "a file without a hash": b"2"})
    assert notes.recall("print-1", [SHA, OTHER, "a file without a hash"]) == {SHA: b"1", "a file without a hash": b"2"}
    later = learned.StoredNotes(database)
    later.keep("print-1", {SHA: b"3"})
    assert later.recall("print-1", [SHA, "a file without a hash"]) == {SHA: b"3"}
    assert later.recall("print-2", [SHA]) == {}


def test_many_are_kept_and_found(database: Database) -> None:
    notes = learned.StoredNotes(database)
    many = {f"{n:064x}": str(n).encode() for n in range(5100)}
    notes.keep("print-1", many)
    assert notes.recall("print-1", many) == many
