"""What holds for all validators that are built in."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import GeneratorType

import pytest

from bridge.model.annotation import Box, Document, Image, Region
from bridge.plugin import View
from bridge.registry import Registry
from bridge.texts import LANGUAGES, catalogue, render
from plugins.validators.boxes import short

REGISTRY = Registry()
RULES = [p.name for p, _ in REGISTRY.usable("validator") if p.origin == "built-in"]
# What looks at picture files, or at the project as a whole.
OTHERS = {"unreadable", "unreviewed", "near-duplicate", "missing-label-on-copy", "wrong-extension", "picture-kind"}
OTHERS |= {"label-path", "no-label-file", "risky-path", "many-boxes"}
# One picture that breaks every rule which looks at regions.
WRONG = [
    Region.rectangle(Box(-50, 10, 50, 60), "犬"),
    Region("rectangle", ((60.0, 60.0), (10.0, 10.0)), ("犬",)),
    Region.rectangle(Box(10, 10, 10, 60), "犬"),
    Region.rectangle(Box(10, 10, 10.5, 60), "犬"),
    Region.rectangle(Box(10, 10, 10.5, 60), "犬"),
    Region.rectangle(Box(10, 10, 90, 60), "狸"),
    Region.rectangle(Box(10, 10, 90, 70)),
    Region.rectangle(Box(10, 10, 90, 80), "class-5"),
]


def test_all_ten_are_there() -> None:
    assert len(RULES) >= 10
    assert all(REGISTRY.find("validator", name).rule == name for name in RULES)


@pytest.mark.parametrize("rule", sorted(set(RULES) - OTHERS))
def test_each_is_lazy_and_its_findings_make_whole_sentences(view: Callable[..., View], rule: str) -> None:
    validator = REGISTRY.find("validator", rule)
    found = validator.check(view(WRONG))
    assert isinstance(found, GeneratorType)
    findings = list(found)
    assert findings
    for finding in findings:
        assert finding.rule == rule
        json.dumps(finding.fields)
        for language in LANGUAGES:
            sentence = render("findings", finding.rule, finding.fields, language)
            assert "{" not in sentence
            assert sentence != finding.rule


def test_every_rule_has_a_sentence_in_both_languages() -> None:
    assert all(rule in catalogue(language, "findings") for rule in RULES for language in LANGUAGES)


@pytest.mark.parametrize("rule", RULES)
def test_empty_projects_and_strange_regions_break_nothing(rule: str) -> None:
    strange = (Region("rectangle", ()), Region("rectangle", ((1.0, 1.0),)), Region("damaged", ()), Region("brush", ()))
    validator = REGISTRY.find("validator", rule)
    assert list(validator.check(View((), []))) == []
    list(validator.check(View((), [Document(Image("a.jpg")), Document(Image("b.jpg", 10, 10), strange)])))


def test_numbers_are_short() -> None:
    assert [short(v) for v in (12.0, 12.04, 12.34)] == [12, 12, 12.3]
    assert repr(short(12.0)) == "12"
