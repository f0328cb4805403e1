"""What is known of bytes, kept from check to check."""

from __future__ import annotations

from bridge.store import learned
from bridge.store.database import Database

SHA, OTHER = "a" * 64, "b" * 64


def test_what_was_learned_of_bytes_holds_in_every_project(database: Database) -> None:
    notes = learned.StoredNotes(database, "p")
    notes.keep("print-1", {SHA: b"1", "the whole": b"2"})
    assert notes.recall("print-1", [SHA, OTHER, "the whole"]) == {SHA: b"1", "the whole": b"2"}
    later = learned.StoredNotes(database, "q")
    later.keep("print-1", {SHA: b"3"})
    assert later.recall("print-1", [SHA, "the whole"]) == {SHA: b"3"}
    assert later.recall("print-2", [SHA]) == {}
    assert learned.StoredNotes(database, "p").recall("print-1", ["the whole"]) == {"the whole": b"2"}


def test_many_are_kept_and_found(database: Database) -> None:
    notes = learned.StoredNotes(database, "p")
    many = {f"{n:064x}": str(n).encode() for n in range(5100)}
    notes.keep("print-1", many)
    assert notes.recall("print-1", many) == many
