"""Tables where a person reads them: as wide as the terminal, coloured, and drawn again in place."""

from __future__ import annotations

import json
import re
import signal

import pytest

from sidekiq_tui.presentation.text import cell_width
from tests.conftest import LoadDump
from tests.support.hostile import CONTROL_PATTERN
from tests.support.terminal import Terminal, sqtui

SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def url(redis_url: str, load_dump: LoadDump) -> str:
    load_dump("8.1.7")
    return redis_url


def shown(*argv: str, columns: int = 100, env: dict[str, str] | None = None, code: int = 0) -> str:
    with Terminal(sqtui(*argv), columns=columns, rows=40, env=env) as terminal:
        assert terminal.wait_exit() == code
        return terminal.output.decode()


@pytest.mark.parametrize("columns", [60, 120])
@pytest.mark.parametrize("view", ["servers", "dashboard", "retries", "workers", "queue corrupt"])
def test_no_line_is_wider_than_the_terminal(url: str, view: str, columns: int) -> None:
    text = shown(*view.split(), "--url", url, columns=columns)
    assert SGR.search(text)
    plain = SGR.sub("", text)
    assert max(cell_width(line) for line in plain.splitlines()) < columns
    assert not CONTROL_PATTERN.search(plain.replace("\r\n", ""))


@pytest.mark.parametrize(
    ("options", "env", "coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"TERM": "dumb"}, False),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colours(url: str, options: tuple[str, ...], env: dict[str, str], coloured: bool) -> None:
    text = shown("queues", "--url", url, *options, env=env)
    assert bool(SGR.search(text)) is coloured
    assert "nobody" in text


def test_ascii(url: str) -> None:
    assert shown("queues", "--url", url, "--ascii").isascii()


def test_json_for_a_person_is_indented(url: str) -> None:
    text = shown("dashboard", "--url", url, "-o", "json")
    assert len(text.splitlines()) > 10
    assert json.loads(text)["view"] == "dashboard"


def test_a_job_with_everything_about_it(url: str) -> None:
    text = SGR.sub("", shown("job", "61bdcd497453879b366a6222", "--url", url))
    for word in ("PaymentGatewaySyncJob", "retries", "4 of 25", "Payments::GatewayTimeout", '"overdue"', "default"):
        assert word in text


def test_a_watch_is_drawn_in_place_and_ends_with_ctrl_c(url: str) -> None:
    with Terminal(sqtui("queues", "--url", url, "--watch", "0.1"), columns=80, rows=24) as terminal:
        terminal.wait_for("\x1b[13A")  # up over the heading and twelve queues
        terminal.resize(60, 20)
        terminal.wait_for("\x1b[2J")
        terminal.send(b"\x03")
        assert terminal.wait_exit() == 0
        assert b"Traceback" not in terminal.output
        assert terminal.after == list(terminal.before)


def test_a_watch_shows_a_lost_server_in_its_place(url: str) -> None:
    argv = sqtui("queues", "--url", url, "--url", "redis://127.0.0.1:1", "--watch", "0.1")
    with Terminal(argv, columns=100, rows=40) as terminal:
        terminal.wait_for("127.0.0.1:1/0: ")
        terminal.wait_for("\x1b[14A")  # the line about it is part of what is drawn again
        terminal.kill(signal.SIGINT)
        assert terminal.wait_exit() == 0


def test_a_watch_fits_a_small_terminal(url: str) -> None:
    with Terminal(sqtui("queues", "--url", url, "--watch", "0.1"), columns=80, rows=8) as terminal:
        terminal.wait_for("\x1b[7A")
        terminal.kill(signal.SIGINT)
        assert terminal.wait_exit() == 0
