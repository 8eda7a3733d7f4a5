"""Commands, keys and looks from the settings, and what one run leaves to the next, in a real terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sidekiq_tui.paths import state_file
from tests.conftest import LoadDump
from tests.support.terminal import Terminal, assert_restored, sqtui
from tests.terminal.test_colours import COLOURS, TRUE_COLOURS

QUIT = "\x11"
F8 = "\x1b[19~"
UP = "\x1b[A"
TAB = "\t"
NORD = b"46;52;64"
"""The ground of that theme."""
NOT_ASCII = re.compile(rb"[\x80-\xff]")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file that the program will read."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("SQTUI_CONFIG", str(path))
    return path


def _servers(url: str) -> str:
    return f'[servers.prod]\nurl = "{url}"\n[servers.dev]\nurl = "{url}"\n'


def _leave(terminal: Terminal) -> None:
    terminal.send(QUIT)
    code = terminal.wait_exit()
    assert code == 0, terminal.output[-3000:].decode()
    assert_restored(terminal)


def test_a_command_in_one_piece_as_when_pasted(redis_url: str, load_dump: LoadDump) -> None:
    load_dump("8.1.7")
    with Terminal(sqtui("--url", redis_url), columns=100, rows=30) as terminal:
        terminal.wait_for("live")
        terminal.send(":dead class:Fraud\r")
        terminal.wait_for("FraudCheckJob")
        terminal.wait(lambda: "class:Fraud" in terminal.screen and "SyncContactJob" not in terminal.screen)
        _leave(terminal)


def test_a_command_letter_by_letter_with_completion(redis_url: str, load_dump: LoadDump) -> None:
    load_dump("8.1.7")
    with Terminal(sqtui("--url", redis_url), columns=80, rows=24) as terminal:
        terminal.wait_for("live")
        for key in ":", "q", "u", "e", "u", "e", " ", "d", "e":
            terminal.send(key)
            terminal.read(0.02)
        terminal.send(TAB)
        terminal.wait(lambda: ":queue default" in terminal.screen)
        terminal.send("\r")
        terminal.wait(lambda: ":queue" not in terminal.screen and "default" in terminal.screen)
        terminal.send(":nonsense\r")
        terminal.wait(lambda: "there is no command nonsense" in terminal.screen)
        terminal.send(":\x1b")
        terminal.wait_quiet()
        _leave(terminal)


def test_keys_of_the_settings_and_what_is_wrong_with_them(redis_url: str, config: Path) -> None:
    config.write_text(f'{_servers(redis_url)}[keys]\nfreeze = "f8"\ntime-mode = "j"\nfrezze = "x"\n')
    with Terminal(sqtui(), columns=120, rows=30) as terminal:
        terminal.wait_for("2 of 2")
        terminal.wait(lambda: "settings: [keys] frezze: there is no such action; did you mean" in terminal.screen)
        terminal.send("Z")
        terminal.wait_quiet()
        assert "FROZEN" not in terminal.screen
        terminal.send(F8)
        terminal.wait(lambda: "FROZEN" in terminal.screen)
        terminal.send("?")
        terminal.wait(lambda: "Keys of servers" in terminal.screen)
        terminal.send(" ")
        terminal.wait(lambda: "f8 " in terminal.screen and "freeze the screen" in terminal.screen)
        terminal.send("\x1b")
        terminal.wait(lambda: "Keys of" not in terminal.screen)
        _leave(terminal)
        before = terminal.output.partition(b"\x1b[?1049h")[0]
        assert b"sqtui: [keys] frezze: there is no such action; did you mean freeze?" in before
        assert b"sqtui: [keys] time-mode: j is down already (one row down); it stays z" in before


def test_the_next_run_begins_where_the_last_one_ended(redis_url: str, config: Path) -> None:
    config.write_text(_servers(redis_url))
    with Terminal(sqtui(), columns=120, rows=30) as terminal:
        terminal.wait_for("2 of 2")
        terminal.send(":server dev\r:retries\r:theme nord\r")
        terminal.wait(lambda: "No retries on dev" in terminal.screen and NORD in terminal.output)
        _leave(terminal)
    assert state_file().stat().st_mode & 0o777 == 0o600
    with Terminal(sqtui(), columns=120, rows=30) as terminal:
        terminal.wait(lambda: "No retries on dev" in terminal.screen)
        assert NORD in terminal.output
        terminal.send(f":{UP}{UP}{UP}")
        terminal.wait(lambda: ":server dev" in terminal.screen)
        terminal.send("\x1b")
        terminal.wait(lambda: ":server dev" not in terminal.screen)
        terminal.send(":scheduled\r")
        terminal.wait(lambda: "on dev" in terminal.screen and "scheduled" in terminal.screen)
        _leave(terminal)
    with Terminal(sqtui("--server", "prod"), columns=120, rows=30) as terminal:
        terminal.wait(lambda: "● prod" in terminal.screen and "on dev" not in terminal.screen)
        _leave(terminal)
    found = json.loads(state_file().read_bytes())
    assert found["commands"] == ["server dev", "retries", "theme nord", "scheduled"]
    assert found["views"]["dev"] == "scheduled"


def test_a_hangup_and_a_broken_file_lose_nothing_else(redis_url: str, config: Path) -> None:
    config.write_text(f"{_servers(redis_url)}[ui]\nhistory = false\n")
    state_file().parent.mkdir(parents=True)
    state_file().write_bytes(b'{"last": "dev", "commands": ["secret')
    with Terminal(sqtui(), columns=120, rows=30) as terminal:
        terminal.wait_for("2 of 2")
        terminal.send(":server dev\r:dead\r")
        terminal.wait(lambda: "No dead jobs on dev" in terminal.screen)
        _leave(terminal)
    content = state_file().read_text()
    assert json.loads(content)["last"] == "dev"
    assert "server dev" not in content


def test_an_address_is_remembered_without_its_password(redis_url: str) -> None:
    away = "redis://joe:hunter2@192.0.2.1:6379/0"
    with Terminal(sqtui("--url", away, "--url", redis_url), columns=120, rows=30) as terminal:
        terminal.wait_for(" Servers ")
        terminal.send("1")
        terminal.wait_quiet()
        _leave(terminal)
    content = state_file().read_text()
    assert "192.0.2.1:6379/0" in content
    assert "hunter2" not in content
    assert "joe" not in content


def test_ascii_by_the_settings(redis_url: str, load_dump: LoadDump, config: Path) -> None:
    config.write_text(f'[servers.prod]\nurl = "{redis_url}"\n[ui]\nascii = true\n[filters]\nslow = "age>2h"\n')
    with Terminal(sqtui(), columns=80, rows=24) as terminal:
        terminal.wait_for("live")
        terminal.send(f":dead\r:s{TAB}{TAB}{TAB}\x1b")
        terminal.wait(lambda: "No dead jobs" in terminal.screen)
        for key, words in ("g", "g top"), ("f", "Saved filters"), ("?", "Keys of"):
            terminal.send(key)
            terminal.wait(lambda words=words: words in terminal.screen)  # type: ignore[misc]
            terminal.send("\x1b")
            terminal.wait(lambda words=words: words not in terminal.screen)  # type: ignore[misc]
        _leave(terminal)
        assert not NOT_ASCII.search(terminal.output)


@pytest.mark.parametrize(
    ("theme", "env", "colours", "true_colours"),
    [
        ("16", {}, True, False),
        ("mono", {}, False, False),
        ("nord", {}, True, True),
        ("nord", {"NO_COLOR": "1"}, False, False),
        ("nord", {"SQTUI_THEME": "16"}, True, False),
    ],
)
def test_the_theme_of_the_settings(
    redis_url: str, config: Path, theme: str, env: dict[str, str], colours: bool, true_colours: bool
) -> None:
    config.write_text(f'[servers.prod]\nurl = "{redis_url}"\n[ui]\ntheme = "{theme}"\n')
    with Terminal(sqtui(), columns=80, rows=24, env=env) as terminal:
        terminal.wait_for("live")
        terminal.send(":q")
        terminal.wait(lambda: "queues" in terminal.screen)
        terminal.send("\x1b")
        terminal.wait_quiet()
        _leave(terminal)
        assert bool(COLOURS.search(terminal.output)) is colours
        assert bool(TRUE_COLOURS.search(terminal.output)) is true_colours


def test_a_theme_that_does_not_exist_is_said(redis_url: str, config: Path) -> None:
    config.write_text(f'[servers.prod]\nurl = "{redis_url}"\n[ui]\ntheme = "drak"\n')
    with Terminal(sqtui(), columns=120, rows=24) as terminal:
        terminal.wait(lambda: "settings: [ui] theme: there is no theme drak; known: dark, light" in terminal.screen)
        _leave(terminal)
