"""A password that nothing knows is asked for at the terminal."""

from __future__ import annotations

import pytest

from tests.conftest import StartRedis
from tests.integration.cli.conftest import Sqtui
from tests.support.terminal import Terminal
from tests.support.terminal import sqtui as command


@pytest.fixture
def url(embedded: StartRedis) -> str:
    return f"unix://{embedded('locked', password='sesame').socket}"


def test_the_password_is_asked_for_and_not_shown(url: str) -> None:
    with Terminal(command("dashboard", "--url", url), columns=200) as terminal:
        terminal.wait_for("Password of ")
        terminal.send("sesame\r")
        assert terminal.wait_exit() == 0
        assert b"processed" in terminal.output
        assert b"sesame" not in terminal.output
        assert terminal.after == list(terminal.before)


def test_a_wrong_one_is_an_error(url: str) -> None:
    with Terminal(command("dashboard", "--url", url)) as terminal:
        terminal.wait_for("Password of ")
        terminal.send("wrong\r")
        assert terminal.wait_exit() == 3
        assert b"wrong\r" not in terminal.output


def test_ctrl_c_leaves_the_terminal_as_it_was(url: str) -> None:
    with Terminal(command("dashboard", "--url", url)) as terminal:
        terminal.wait_for("Password of ")
        terminal.send(b"\x03")
        assert terminal.wait_exit() == 130
        assert b"Traceback" not in terminal.output
        assert terminal.after == list(terminal.before)


def test_nobody_is_asked_without_a_terminal_or_with_no_input(sqtui: Sqtui, url: str) -> None:
    assert sqtui("dashboard", "--url", url).code == 3
    with Terminal(command("dashboard", "--url", url, "--no-input")) as terminal:
        assert terminal.wait_exit() == 3
        assert b"Password of" not in terminal.output
