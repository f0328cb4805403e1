from __future__ import annotations

import pytest

from bridge.errors import InputError
from bridge.plugin import Ears
from plugins.formats.label_studio.config import parse_config
from plugins.sources.label_studio.client import Client
from plugins.sources.label_studio.project import ACTIONS, hooked, listen, make, with_labels
from tests.paper_studio import CONFIG, TOKEN, PaperStudio

HOOK = "http://bridge.local:8765/webhooks/label-studio/p"
BACKEND = "http://bridge.local:8765/ml/p"


@pytest.mark.parametrize(("title", "made"), [("犬", "犬 (labelbridge)"), ("x" * 80, "x" * 50), ("部品 A", "部品 A")])
def test_any_name_becomes_a_title(paper: PaperStudio, title: str, made: str) -> None:
    number = make(Client(paper.url, TOKEN), title, ["猫"], {"猫": "#ff0000"})
    assert paper.projects[number]["title"] == made
    config = parse_config(paper.projects[number]["label_config"])
    assert (config.labels, config.colors) == (("猫",), {"猫": "#ff0000"})


def test_a_missing_label_is_added_and_everything_else_stays() -> None:
    theirs = CONFIG.replace("<View>", '<View><Header value="何が見える?"/>')
    xml = with_labels(parse_config(theirs), ["dog", "鳥 <&>"], {"鳥 <&>": "#00ff00"})
    assert xml is not None
    config = parse_config(xml)
    assert config.labels == ("猫", "dog", "鳥 <&>")
    assert 'value="何が見える?"' in xml
    assert with_labels(config, ["dog", "鳥 <&>"], {}) is None
    # What XML cannot hold is written as it can, once.
    odd = with_labels(config, ["a\x00b"], {})
    assert odd is not None
    assert with_labels(parse_config(odd), ["a\x00b"], {}) is None


def test_labels_need_a_control_that_draws_boxes() -> None:
    xml = '<View><Image name="i" value="$image"/><Choices name="c" toName="i"><Choice value="x"/></Choices></View>'
    with pytest.raises(InputError, match="label-config-no-boxes"):
        with_labels(parse_config(xml), ["猫"], {})


def test_there_is_one_webhook_with_our_secret_however_often_we_connect(paper: PaperStudio) -> None:
    client, project = Client(paper.url, TOKEN), paper.project()
    assert not hooked(client, project, HOOK)
    for secret in ("old", "new"):
        assert listen(client, project, Ears(HOOK, secret)) == []
    [hook] = paper.webhooks.values()
    assert hook["headers"] == {"X-Labelbridge-Secret": "new"}
    # All actions at once would break Label Studio's own page of labels.
    assert (hook["send_for_all_actions"], set(hook["actions"])) == (False, set(ACTIONS))
    assert hooked(client, project, HOOK)
    hook["is_active"] = False
    assert not hooked(client, project, HOOK)
    listen(client, project, Ears(HOOK, "new"))
    assert hooked(client, project, HOOK)


def test_a_host_without_a_dot_is_refused_as_there(paper: PaperStudio) -> None:
    with pytest.raises(InputError, match="Enter a valid URL"):
        listen(Client(paper.url, TOKEN), paper.project(), Ears("http://bridge:8765/x", "s"))


def test_as_backend_we_do_not_become_what_every_next_task_waits_for(paper: PaperStudio) -> None:
    client, project = Client(paper.url, TOKEN), paper.project()
    for password in ("one", "two"):
        assert listen(client, project, Ears(HOOK, "secret", BACKEND, password)) == []
    [backend] = paper.backends.values()
    assert (backend["basic_auth_user"], backend["basic_auth_pass"]) == ("labelbridge", "two")
    assert paper.projects[project]["model_version"] == ""
    # Its own webhook came for all actions and without any secret.
    assert [hook["url"] for hook in paper.webhooks.values()] == [HOOK, f"{BACKEND}/webhook"]
    assert all(hook["headers"] for hook in paper.webhooks.values())
    assert not any(hook["send_for_all_actions"] for hook in paper.webhooks.values())


def test_a_backend_that_cannot_be_reached_from_there_is_named(paper: PaperStudio) -> None:
    paper.faults["POST /api/ml/"] = [(400, {"detail": "x", "validation_errors": {"url": ["Can't connect"]}})]
    with pytest.raises(InputError) as caught:
        listen(Client(paper.url, TOKEN), paper.project(), Ears(HOOK, "secret", BACKEND, "p"))
    assert caught.value.rule == "ml-backend-refused"
    assert "Can't connect" in caught.value.fields["detail"]


def test_a_backend_s_webhook_that_was_silently_not_made_is_told(paper: PaperStudio) -> None:
    project = paper.project()
    paper.faults["POST /api/ml/"] = [(201, {"id": 5})]
    [finding] = listen(Client(paper.url, TOKEN), project, Ears(HOOK, "secret", BACKEND, "p"))
    assert (finding.rule, finding.fields["url"]) == ("backend-webhook-missing", f"{BACKEND}/webhook")
