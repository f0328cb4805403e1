from __future__ import annotations

from bridge.model.annotation import Region, content_hash


def digest(*regions: Region) -> str:
    return content_hash("a.jpg", 64, 48, regions)


def boxed(*labels: str, right: float = 3.0) -> Region:
    return Region("rectangle", ((1.0, 2.0), (right, 4.0)), labels)


def test_a_label_with_a_comma_is_not_two_labels() -> None:
    assert digest(boxed("a,b")) != digest(boxed("a", "b"))
    assert digest(boxed("a|b")) != digest(boxed("a"))
    assert digest(boxed("a\\44b")) != digest(boxed("a,b"))
    assert digest(boxed("a", "b")) == digest(boxed("b", "a")) == digest(boxed("b", "a", "b"))


def test_what_does_not_count() -> None:
    other = Region("rectangle", boxed().points, ("a",), "id", "checkpoint:1", 0.5, {"x": 1})
    assert digest(boxed("a"), boxed("b")) == digest(boxed("b"), other)
    assert digest(boxed("a", right=3.0004)) == digest(boxed("a")) != digest(boxed("a", right=3.0006))
    assert content_hash("は\u3099.jpg", 1, 1, ()) == content_hash("ば.jpg", 1, 1, ())
