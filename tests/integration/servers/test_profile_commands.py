"""`sqtui profile …` as a person types it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.__main__ import main
from sidekiq_tui.servers import keyring_store


@pytest.fixture
def config(own_machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = own_machine / "settings" / "config.toml"
    monkeypatch.setenv("SQTUI_CONFIG", str(file))
    return file


class Said:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def run(self, *words: str) -> int:
        code = main(["profile", *words])
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture
def sqtui(capsys: pytest.CaptureFixture[str], config: Path) -> Said:
    return Said(capsys)


def test_from_nothing_to_a_tested_server(sqtui: Said, config: Path, redis_url: str, load_dump: Any) -> None:
    assert sqtui.run("path") == 0
    assert sqtui.out == f"{config}\n"
    assert sqtui.run("list") == 0
    assert (sqtui.out, "profile add" in sqtui.err) == ("", True)
    load_dump("8.1.7")
    assert sqtui.run("add", "prod", "--url", redis_url, "--label", "production", "--favorite") == 0
    assert sqtui.run("list") == 0
    assert sqtui.out.split() == ["prod", redis_url.partition("?")[0], "production", "operate"]
    assert sqtui.run("test") == 0
    assert "8.1.7" in sqtui.out
    assert sqtui.out.rstrip().endswith("it can be used")
    assert sqtui.run("edit", "prod", "--label", "staging", "--no-favorite", "--max-latency", "1.5") == 0
    assert sqtui.run("show", "prod") == 0
    assert {"staging", "1.5s", "full"} <= set(sqtui.out.split())
    assert sqtui.run("edit", "prod", "--unset", "label", "--unset", "max-latency") == 0
    assert "label" not in config.read_text()
    assert sqtui.run("remove", "prod") == 0
    assert "prod" not in config.read_text()


def test_options_may_stand_before_the_command(redis_url: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", redis_url, "profile", "test", "--url", redis_url.replace("db=0", "db=1")]) == 0
    said = capsys.readouterr().out
    assert said.count("it can be used") == 2
    other = config.parent / "other.toml"
    assert main(["--config", str(other), "--url", redis_url, "profile", "add", "a"]) == 0
    assert main(["profile", "list", "--config", str(other)]) == 0
    assert "a " in capsys.readouterr().out
    assert main(["--config", str(other), "--server", "a", "profile", "test"]) == 0
    assert main(["--config", str(other), "--server", "b", "profile", "test"]) == 2
    assert not config.exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "a", "--url", "redis://:hunter2@h"), 2, "password"),
        (("add", "a", "--label", "x"), 2, "no url"),
        (("add", "a", "--host", "h", "--port", "http"), 2, "--port: not a number"),
        (("add", "a", "--host", "h", "--access", "all"), 2, "must be one of"),
        (("edit", "a", "--label", "x"), 2, "no server a"),
        (("edit", "--label", "x"), 2, "which server"),
        (("edit",), 2, "no terminal"),
        (("remove", "a"), 2, "no server a"),
        (("show", "a"), 2, "no server a"),
        (("test", "a"), 2, "no server a"),
        (("test", "--url", "unix:///nowhere.sock"), 3, ""),
        (("frobnicate",), 2, "no such"),
        ((), 2, "required"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(sqtui: Said, words: tuple[str, ...], code: int, said: str) -> None:
    assert sqtui.run(*words) == code
    assert said in sqtui.err
    assert "hunter2" not in sqtui.err + sqtui.out
    assert len(sqtui.err.splitlines()) <= 1


def test_the_file_s_problems_are_listed_beside_the_good_servers(sqtui: Said, config: Path) -> None:
    config.parent.mkdir()
    config.write_text('[servers.a]\nhost = "h"\n[servers.b]\nhots = "h"\n')
    assert sqtui.run("list") == 1
    assert sqtui.out.split()[0] == "a"
    assert "line 4: [servers.b] hots: there is no such key; did you mean host?" in sqtui.err


def test_hostile_names_are_shown_safely(sqtui: Said, config: Path) -> None:
    config.parent.mkdir()
    config.write_text('[servers.a]\nhost = "h"\nlabel = "x\\u001b[31my\\u202e"\n')
    sqtui.run("list")
    sqtui.run("show", "a")
    assert "\x1b" not in sqtui.out
    assert "\u202e" not in sqtui.out


def test_an_editor_opens_the_file(sqtui: Said, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    config.parent.mkdir()
    config.write_text("[servers.a]\nhots = 1\n")
    monkeypatch.setenv("VISUAL", "true --wait")
    assert sqtui.run("edit") == 1
    assert "hots" in sqtui.err
    monkeypatch.setenv("VISUAL", "/nowhere/editor")
    assert sqtui.run("edit") == 2


def test_without_a_keyring_the_other_ways_are_named(sqtui: Said, config: Path) -> None:
    sqtui.run("add", "prod eu", "--host", "h")
    assert sqtui.run("set-password", "prod eu", "--stdin") == 3
    for way in ("--password-command", "--password-file", "SQTUI_PROD_EU_PASSWORD"):
        assert way in sqtui.err
    assert "keyring" not in config.read_text()


def test_a_password_goes_into_the_keyring(sqtui: Said, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    kept: dict[str, str] = {}

    async def available() -> str:
        return "keyring.backends.SecretService"

    async def write(account: str, password: str) -> str:
        kept[account] = password
        return "Secret Service"

    async def delete(account: str) -> bool:
        return kept.pop(account, None) is not None

    for function in (available, write, delete):
        monkeypatch.setattr(keyring_store, function.__name__, function)
    sqtui.run("add", "prod", "--host", "h", "--password-command", "pass x")
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter2\nrest"))
    assert sqtui.run("set-password", "prod", "--stdin") == 0
    assert kept == {"prod": "hunter2"}
    assert "password_command of prod is still asked first" in sqtui.err
    assert "keyring = true" in config.read_text()
    assert "hunter2" not in config.read_text() + sqtui.out + sqtui.err
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert sqtui.run("set-password", "prod", "--stdin") == 2
    assert sqtui.run("set-password", "prod") == 2
    assert sqtui.run("remove", "prod") == 0
    assert kept == {}
