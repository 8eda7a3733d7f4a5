"""What colours reach the terminal."""

from __future__ import annotations

import re

import pytest

from tests.support.terminal import Terminal, sqtui

COLOURS = re.compile(rb"\x1b\[[0-9;]*?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
REVERSED = re.compile(rb"\x1b\[(?:[0-9]+;)*7[;m]")
TRUE_COLOURS = re.compile(rb"\x1b\[[0-9;]*?[34]8;[25];")


def _drawn(redis_url: str, env: dict[str, str]) -> bytes:
    with Terminal(sqtui("--url", redis_url), env=env) as terminal:
        terminal.wait_for("live")
        terminal.send("@")
        terminal.wait_for("Find a server")
        terminal.send("\x1b")
        terminal.wait_quiet()
        terminal.send("q")
        assert terminal.wait_exit() == 0
        return terminal.output


def test_no_color_sends_no_colour_at_all(redis_url: str) -> None:
    drawn = _drawn(redis_url, {"NO_COLOR": "1"})
    assert not COLOURS.search(drawn), COLOURS.findall(drawn)[:5]
    assert REVERSED.search(drawn)


def test_without_colours_a_field_shows_where_the_next_letter_goes(redis_url: str) -> None:
    with Terminal(sqtui("--url", redis_url), env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("live")
        terminal.send(":")
        terminal.wait_for("queues")
        before = len(terminal.output)
        terminal.send("q")
        terminal.wait_quiet()
        assert re.search(rb"\x1b\[(?:[0-9]+;)*7m \x1b", terminal.output[before:]), terminal.output[before:]
        terminal.send("\x1b")
        terminal.wait_quiet()
        terminal.send("q")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("env", [{"TERM": "xterm", "COLORTERM": ""}, {"TERM": "linux", "COLORTERM": ""}])
def test_sixteen_colours_are_the_terminals_own(redis_url: str, env: dict[str, str]) -> None:
    drawn = _drawn(redis_url, env)
    assert COLOURS.search(drawn)
    assert not TRUE_COLOURS.search(drawn), TRUE_COLOURS.findall(drawn)[:5]


def test_true_colours_where_the_terminal_has_them(redis_url: str) -> None:
    assert TRUE_COLOURS.search(_drawn(redis_url, {}))
