from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import InputError
from plugins.formats.label_studio.config import LabelConfig, default_config, parse_config, writable
from plugins.formats.label_studio.naming import longer_name, picture_name

CONFIG = """<View>
  <Header value="動物"/>
  <Image name="photo" value="$picture"/>
  <RectangleLabels name="box" toName="photo">
    <Label value="zebra" background="#ff0000"/><Label value="Dog &amp; Cat" alias="pets"/>
  </RectangleLabels>
  <PolygonLabels name="poly" toName="photo"><Label value="水着"/><Label value="zebra"/></PolygonLabels>
  <Choices name="quality" toName="photo"><Choice value="good"/></Choices>
</View>"""


def test_labels_come_in_the_order_of_the_config() -> None:
    config = parse_config(CONFIG)
    assert config.labels == ("zebra", "pets", "水着")
    assert config.colors == {"zebra": "#ff0000"}
    assert (config.image_name, config.image_key) == ("photo", "picture")
    assert [(c.name, c.type, c.labels) for c in config.controls] == [
        ("box", "rectanglelabels", ("zebra", "pets")),
        ("poly", "polygonlabels", ("水着", "zebra")),
    ]


def test_of_several_controls_the_one_with_the_label_writes_it() -> None:
    two = CONFIG.replace(
        "</View>", '<RectangleLabels name="more" toName="photo"><Label value="x"/></RectangleLabels></View>'
    )
    config = parse_config(two)
    names = [control.name for label in ("zebra", "x", "new") if (control := config.control("rectanglelabels", [label]))]
    assert names == ["box", "more", "box"]
    assert config.control("brushlabels") is None


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<View>",
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><View>&b;</View>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><View>&a;</View>',
        "<View>" + " " * 1_000_001 + "</View>",
    ],
)
def test_a_broken_or_hostile_config_is_refused(xml: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(xml)
    assert caught.value.rule == "label-config-broken"


@given(st.lists(st.text(min_size=1, max_size=6).map(writable), min_size=1, max_size=5, unique=True))
@settings(max_examples=60, deadline=None)
def test_any_label_goes_into_a_config_and_comes_back(labels: list[str]) -> None:
    shapes = ("rectangle", "polygon", "keypoint", "ellipse", "brush")
    config = parse_config(default_config(labels, {labels[0]: "#123456"}, shapes))
    assert config.labels == tuple(labels)
    assert config.colors == {labels[0]: "#123456"}
    assert all(config.draws(shape) for shape in shapes)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/data/upload/17/9e74f558-img000.jpg", "img000.jpg"),
        ("http://ls:8080/data/upload/17/9e74f558-%E6%B0%B4%E7%9D%80%20%2B1.jpg", "水着 +1.jpg"),
        ("/data/local-files/?d=set1/a%20b+c.jpg", "set1/a b+c.jpg"),
        ("http://ls:8080/data/local-files/?d=%2Fset1%2Fx.jpg&v=1", "set1/x.jpg"),
        ("https://host/img/set%231/img%25000.jpg?sig=a/b", "img%000.jpg"),
        ("s3://bucket/folder/x.jpg", "x.jpg"),
        ("plain/100%25.jpg", "plain/100%25.jpg"),
        ("C:\\Users\\me\\x.jpg", "Users/me/x.jpg"),
        ("data:image/png;base64,AAAA", "task-5"),
        (7, "task-5"),
    ],
)
def test_names_from_addresses(address: object, name: str) -> None:
    assert picture_name({"id": 5, "data": {"image": address}}, LabelConfig()) == name


def test_the_name_we_gave_wins_and_the_configs_key_is_used() -> None:
    task = {"id": 1, "data": {"other": "/a.jpg", "photo": "/b.jpg"}}
    assert picture_name(task, parse_config(CONFIG.replace("$picture", "$photo"))) == "b.jpg"
    assert picture_name({**task, "data": {**task["data"], "labelbridge_name": "元.jpg"}}, LabelConfig()) == "元.jpg"  # type: ignore[dict-item]
    assert picture_name({**task, "meta": {"labelbridge": {"name": "c.jpg"}}}, LabelConfig()) == "c.jpg"


def test_longer_names_keep_pictures_apart() -> None:
    def name(url: str) -> str:
        return longer_name({"id": 5, "data": {"image": url}}, LabelConfig())

    assert name("/data/upload/17/9e74f558-x.jpg") == "9e74f558-x.jpg"
    assert name("https://host/two/x.jpg") == "two/x.jpg"
    assert name("x.jpg") == "5-x.jpg"
