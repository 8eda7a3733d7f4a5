"""Commands that change a server where a person sits: the question, its answers, ctrl-c."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from typing import Any, Final

import pytest
import redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import StartRedis, plain_client
from tests.integration.cli.operating import fill_set, job_counts, payload
from tests.support.hostile import CONTROL_PATTERN
from tests.support.terminal import Terminal, sqtui

SGR: Final = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def client(redis_server: EmbeddedRedis, redis_url: str) -> Any:
    with plain_client(redis_server) as connection:
        yield connection


@pytest.fixture
def dev(redis_url: str, config: Callable[[str], str]) -> tuple[str, ...]:
    """The words before a command."""
    return ("--config", config(f'[servers.dev]\nurl = "{redis_url}"\n'))


def test_the_plan_is_shown_and_y_carries_it_out(client: redis.Redis, dev: tuple[str, ...]) -> None:
    fill_set(client, "dead", [payload(number) for number in range(5)])
    with Terminal(sqtui(*dev, "delete", "dead", "class:Invoice"), columns=100) as terminal:
        terminal.wait_for("y/n")
        shown = SGR.sub("", terminal.output.decode())
        assert "Delete 5 jobs" in shown
        assert "class:Invoice" in shown
        assert "for 7 days" in shown
        assert "Delete 5 jobs? y/n" in shown
        assert not CONTROL_PATTERN.search(shown.replace("\r\x1b[K", "").replace("\r\n", ""))
        assert client.zcard("dead") == 5
        terminal.send("y\r")
        assert terminal.wait_exit() == 0
        assert b"deleted 5" in terminal.output
    assert client.zcard("dead") == 0


@pytest.mark.parametrize("answer", ["n\r", "\r", "yep\r", "\x04", "dev\r"], ids=["n", "enter", "yep", "eof", "name"])
def test_anything_else_leaves_it_be(client: redis.Redis, dev: tuple[str, ...], answer: str) -> None:
    fill_set(client, "dead", [payload(1)])
    with Terminal(sqtui(*dev, "delete", "dead", "class:Invoice")) as terminal:
        terminal.wait_for("> ")
        terminal.send(answer)
        assert terminal.wait_exit() == 4
        assert b"nothing was done" in terminal.output
    assert client.zcard("dead") == 1


def test_ctrl_c_at_the_question_is_silent(client: redis.Redis, dev: tuple[str, ...]) -> None:
    fill_set(client, "dead", [payload(1)])
    with Terminal(sqtui(*dev, "delete", "dead", "class:Invoice")) as terminal:
        terminal.wait_for("> ")
        terminal.send(b"\x03")
        assert terminal.wait_exit() == 130
        assert b"Traceback" not in terminal.output
        assert terminal.after == list(terminal.before)
    assert client.zcard("dead") == 1


def test_many_take_their_number_and_a_whole_set_the_name(client: redis.Redis, dev: tuple[str, ...]) -> None:
    fill_set(client, "dead", [payload(number) for number in range(101)])
    with Terminal(sqtui(*dev, "retry", "dead", "class:Invoice")) as terminal:
        terminal.wait_for("> ")
        terminal.send("y\r")
        assert terminal.wait_exit() == 4
    with Terminal(sqtui(*dev, "retry", "dead", "class:Invoice")) as terminal:
        terminal.wait_for("> ")
        terminal.send("101\r")
        assert terminal.wait_exit() == 0
    fill_set(client, "dead", [payload(1)])
    with Terminal(sqtui(*dev, "delete", "dead")) as terminal:
        terminal.wait_for("> ")
        terminal.send("dev\r")
        assert terminal.wait_exit() == 0
    assert client.zcard("dead") == 0


def test_the_question_goes_to_the_terminal_and_the_result_to_the_pipe(
    client: redis.Redis, dev: tuple[str, ...], tmp_path: Any
) -> None:
    fill_set(client, "dead", [payload(1)])
    line = " ".join([*sqtui(*dev, "delete", "dead", "class:Invoice", "-o", "json"), ">", str(tmp_path / "out")])
    with Terminal(["sh", "-c", line]) as terminal:
        terminal.wait_for("> ")
        terminal.send("y\r")
        assert terminal.wait_exit() == 0
    (server,) = json.loads((tmp_path / "out").read_text())["servers"]
    assert server["outcome"]["done"] == 1


def test_ctrl_c_ends_after_the_batch_and_says_how_far(client: redis.Redis, dev: tuple[str, ...]) -> None:
    jobs = fill_set(client, "dead", [payload(number) for number in range(2000)])
    with Terminal(sqtui(*dev, "kill", "retries", "--yes", "--confirm", "dev")) as terminal:
        assert terminal.wait_exit() == 0, "nothing there"
    argv = (*dev, "delete", "dead", "--rate", "200", "--confirm", "dev")
    with Terminal(sqtui(*argv), columns=120) as terminal:
        terminal.wait_for("deleting ")
        terminal.wait(lambda: client.zcard("dead") < 2000, "first batch")
        terminal.send(b"\x03")
        assert terminal.wait_exit() == 130
        assert b"Traceback" not in terminal.output
        said = SGR.sub("", terminal.output.decode())
    left = client.zcard("dead")
    assert 0 < left < 2000
    assert f"deleted {2000 - left:,}" in said
    assert job_counts(client) == dict.fromkeys(jobs, 1)


def test_a_pipe_hears_of_the_interruption_too(client: redis.Redis, dev: tuple[str, ...]) -> None:
    fill_set(client, "dead", [payload(number) for number in range(2000)])
    argv = sqtui(*dev, "delete", "dead", "--rate", "200", "--confirm", "dev", "-o", "json")
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        while client.zcard("dead") == 2000 and process.poll() is None:
            pass
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, err) == (130, b"")
    (server,) = json.loads(out)["servers"]
    outcome = server["outcome"]
    assert outcome["ending"] == "stopped"
    assert outcome["done"] == 2000 - client.zcard("dead")
    assert outcome["done"] + outcome["untouched"] == 2000


def test_a_second_ctrl_c_leaves_a_server_that_does_not_answer(
    embedded: StartRedis, config: Callable[[str], str]
) -> None:
    server = embedded("stuck")
    file = config(f'[servers.dev]\nurl = "unix://{server.socket}"\n')
    with plain_client(server) as client:
        fill_set(client, "dead", [payload(number) for number in range(2000)])
        pid = int(client.info("server")["process_id"])
        argv = sqtui("--config", file, "delete", "dead", "--rate", "200", "--confirm", "dev", "--timeout", "60")
        with Terminal(argv, columns=120) as terminal:
            terminal.wait(lambda: client.zcard("dead") < 2000, "first batch")
            os.kill(pid, signal.SIGSTOP)
            try:
                seen = len(terminal.output)
                terminal.send(b"\x03")
                terminal.wait_quiet()
                terminal.send(b"\x03")
                terminal.wait_for("sqtui resume", since=seen)
                assert terminal.wait_exit() == 130
            finally:
                os.kill(pid, signal.SIGCONT)
            assert b"Traceback" not in terminal.output
        assert sum(job_counts(client).values()) == 2000
