"""Starting: only on a terminal, painting before any server is asked, and in silence at rest."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.terminal import ROOT, Terminal, sqtui

BLACK_HOLE = "redis://192.0.2.1:6379/0"
"""An address nobody answers at (TEST-NET-1)."""


@pytest.mark.parametrize("arguments", [(), ("--url", BLACK_HOLE)])
def test_without_a_terminal_it_says_so_and_does_not_hang(arguments: tuple[str, ...]) -> None:
    ran = subprocess.run(
        sqtui(*arguments), cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "needs a terminal" in ran.stderr
    assert "sqtui --help" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_dumb_terminal_is_refused(redis_url: str) -> None:
    with Terminal(sqtui("--url", redis_url), env={"TERM": "dumb"}) as terminal:
        assert terminal.wait_exit() == 2
        assert b"TERM is dumb" in terminal.output
        assert b"\x1b[?1049h" not in terminal.output


def test_paints_before_a_server_answers() -> None:
    with Terminal(sqtui("--url", BLACK_HOLE)) as terminal:
        terminal.wait_for(" Servers ")
        terminal.wait_for("192.0.2.1")
        terminal.send("q")
        assert terminal.wait_exit() == 0


def test_a_screen_at_rest_writes_nothing(redis_url: str) -> None:
    """Servers go on answering, and nothing of what they say is new."""
    with Terminal(sqtui("--url", redis_url), columns=120, rows=40) as terminal:
        terminal.wait_for("live")
        terminal.send("Z")
        terminal.wait_for("FROZEN")
        terminal.wait_quiet(0.9)
        seen = len(terminal.output)
        for _ in range(6):
            terminal.read(0.5)
        assert len(terminal.output) == seen


def test_a_covered_screen_writes_nothing(redis_url: str) -> None:
    """Under a dialog nothing moves, although servers go on answering."""
    with Terminal(sqtui("--url", redis_url), columns=100, rows=30) as terminal:
        terminal.wait_for("live")
        terminal.send("?")
        terminal.wait_for("Keys of")
        terminal.wait_quiet(0.9)
        seen = len(terminal.output)
        for _ in range(6):
            terminal.read(0.5)
        assert terminal.output[seen:] == b""


def test_a_url_is_never_shown_with_its_password(redis_url: str) -> None:
    with Terminal(sqtui("--url", "redis://joe:hunter2@192.0.2.1:6379/0", "--url", redis_url)) as terminal:
        terminal.wait_for(" Servers ")
        terminal.send("@")
        terminal.wait_for("Find a server")
        terminal.send("\x1b")
        terminal.wait_quiet()
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert b"hunter2" not in terminal.output
