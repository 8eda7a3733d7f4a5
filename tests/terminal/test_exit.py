"""Every way out gives the terminal back, with the right exit code."""

from __future__ import annotations

import signal

import pytest

from tests.support.terminal import Terminal, assert_restored, sqtui

TABS = " Servers "


@pytest.mark.parametrize("key", ["q", "\x11"], ids=["q", "ctrl+q"])
def test_leaving(redis_url: str, key: str) -> None:
    with Terminal(sqtui("--url", redis_url)) as terminal:
        terminal.wait_for(TABS)
        terminal.send(key)
        assert terminal.wait_exit() == 0
        assert_restored(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals(redis_url: str, number: signal.Signals) -> None:
    with Terminal(sqtui("--url", redis_url)) as terminal:
        terminal.wait_for(TABS)
        terminal.kill(number)
        assert terminal.wait_exit() == 128 + number
        assert_restored(terminal)


def test_ctrl_c_says_how_to_leave_and_the_second_one_quits(redis_url: str) -> None:
    with Terminal(sqtui("--url", redis_url)) as terminal:
        terminal.wait_for(TABS)
        terminal.send("\x03")
        terminal.wait_for("q leaves; ctrl+c again quits")
        terminal.send("\x03")
        assert terminal.wait_exit() == 0
        assert_restored(terminal)


def test_ctrl_z_and_fg(redis_url: str) -> None:
    with Terminal(sqtui("--url", redis_url)) as terminal:
        terminal.wait_for(TABS)
        terminal.send("\x1a")
        terminal.wait_stopped()
        terminal.read()
        assert_restored(terminal)
        seen = len(terminal.output)
        terminal.kill(signal.SIGCONT)
        terminal.wait_for(TABS, seen)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert_restored(terminal)


def test_resize_redraws_to_the_new_size(redis_url: str) -> None:
    with Terminal(sqtui("--url", redis_url)) as terminal:
        terminal.wait_for(" Dash ")
        seen = len(terminal.output)
        terminal.resize(120, 40)
        terminal.wait_for("Dashboard", seen)
        seen = len(terminal.output)
        terminal.resize(50, 12)
        terminal.wait_for("make me larger", seen)
        terminal.send("q")
        assert terminal.wait_exit() == 0


def test_a_size_in_the_environment_does_not_hold(redis_url: str) -> None:
    """Some shells export COLUMNS: that is the size once, not the size for ever."""
    with Terminal(sqtui("--url", redis_url), columns=120, rows=40, env={"COLUMNS": "80", "LINES": "24"}) as terminal:
        terminal.wait_for("Dashboard")
        terminal.send("q")
        assert terminal.wait_exit() == 0


def test_quitting_does_not_wait_for_a_server_that_hangs(redis_url: str, embedded: object) -> None:
    server = embedded("hangs")  # type: ignore[operator]
    server.process.send_signal(signal.SIGSTOP)
    try:
        with Terminal(sqtui("--url", f"unix://{server.socket}", "--url", redis_url)) as terminal:
            terminal.wait_for(TABS)
            terminal.send("q")
            assert terminal.wait_exit() == 0
            assert_restored(terminal)
    finally:
        server.process.send_signal(signal.SIGCONT)
