from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import UsageError
from bridge.settings import PREFIX, Settings


def other(value: Any) -> Any:
    """A value of the same type that is no default."""
    match value:
        case Path():
            return Path("/data/部品 1")
        case int() | float():
            return type(value)(value + 7)
    return f"{value}x@/y:z"


EVERY = Settings(**{f.name: other(f.default) for f in fields(Settings)})


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings.from_env({"LABELBRIDGE_PORT": "", "PORT": "1", "HOME": "/"}) == Settings()


def test_every_setting_comes_back_from_the_environment_of_a_child() -> None:
    environ = EVERY.environment()
    assert set(environ) == {PREFIX + f.name.upper() for f in fields(Settings)}
    assert Settings.from_env(environ) == EVERY


def test_a_child_is_only_told_what_differs() -> None:
    assert Settings().environment() == {}
    assert Settings(port=9000).environment() == {"LABELBRIDGE_PORT": "9000"}


def test_what_the_command_line_says_wins() -> None:
    environ = {"LABELBRIDGE_PORT": "9000", "LABELBRIDGE_LANG": "ja"}
    found = Settings.from_env(environ, port=9001, lang=None)
    assert (found.port, found.lang) == (9001, "ja")


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [("LABELBRIDGE_PORT", "http", "int"), ("LABELBRIDGE_LEASE_SECONDS", "30s", "float")],
)
def test_a_wrong_type_names_the_variable(name: str, text: str, wanted: str) -> None:
    with pytest.raises(UsageError) as wrong:
        Settings.from_env({name: text})
    assert wrong.value.fields == {"setting": name, "wanted": wanted, "found": text}
    assert wrong.value.exit_code == 2


def test_the_store_is_in_the_data_folder_unless_a_url_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings(data=Path("d")).database() == f"sqlite:///{tmp_path / 'd' / 'store.sqlite3'}"
    assert Settings(database_url="postgresql+psycopg://lb@db/lb").database() == "postgresql+psycopg://lb@db/lb"


def test_others_reach_the_server_where_they_are_told() -> None:
    assert Settings().url() == "http://127.0.0.1:8765"
    assert Settings(public_url="https://labels.example/").url() == "https://labels.example"
