"""The command as a process: pipes that close, signals, locales, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

import pytest

from sidekiq_tui import __version__
from tests.conftest import LoadDump, StartRedis, plain_client

COMMAND = [sys.executable, "-m", "sidekiq_tui"]


@pytest.fixture
def url(redis_url: str, load_dump: LoadDump) -> str:
    load_dump("8.1.7")
    return redis_url


def run(*argv: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *argv], capture_output=True, env={**os.environ, **environ}, timeout=60)


class Start(Protocol):
    """Starts a command in a process of its own."""

    def __call__(self, *argv: str) -> subprocess.Popen[bytes]: ...


@pytest.fixture
def start(url: str) -> Iterator[Start]:
    """Starts a command and kills it at the end, if it is still there."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*argv: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([*COMMAND, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def stdout_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def test_version_and_help() -> None:
    assert run("--version").stdout.decode() == f"sqtui {__version__}\n"
    ran = run("--help")
    assert ran.returncode == 0
    assert b"dashboard" in ran.stdout
    assert ran.stderr == b""


@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_no_locale_makes_it_crash(url: str, environ: dict[str, str]) -> None:
    for view in (
        ("retries", "--limit", "all"),
        ("workers",),
        ("queue", "corrupt", "-o", "csv"),
        ("job", "x"),
    ):
        ran = run(*view, "--url", url, **environ)
        assert ran.returncode == (1 if view[0] == "job" else 0)
        assert b"Traceback" not in ran.stderr
        assert b"Error" not in ran.stderr


def test_ascii_signs_where_the_locale_has_no_others(url: str) -> None:
    ran = run("queues", "--url", url, PYTHONIOENCODING="ascii")
    assert ran.stdout.isascii()
    assert b"= paused" in ran.stdout
    assert b"?" not in ran.stdout


def test_a_reader_that_leaves_is_no_error(start: Start, url: str) -> None:
    for argv in (["dead", "-o", "ndjson", "--watch", "0.01"], ["queue", "backlog", "--limit", "all"]):
        process = start(*argv, "--url", url)
        stdout_of(process).readline()
        stdout_of(process).close()
        _, err = process.communicate(timeout=60)
        assert err == b""
        assert process.returncode in (0, 141)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("words", "code"), [("dashboard", 0), ("check --max-dead 1", 6), ("--help", 0), ("nope", 2)])
def test_streams_that_the_caller_closed_are_no_error(url: str, closed: str, words: str, code: int) -> None:
    line = f"{sys.executable} -m sidekiq_tui --url '{url}' {words} {closed}"
    shell = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60)
    assert shell.returncode == code
    assert bool(shell.stdout) == (">&-" not in closed.split() and code != 2)
    assert bool(shell.stderr) == (code == 2 and "2>&-" not in closed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said_in_one_line(url: str) -> None:
    for view in ("dashboard", "dead -o csv"):
        line = f"{sys.executable} -m sidekiq_tui --url '{url}' {view} > /dev/full"
        shell = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60)
        assert shell.returncode == 1
        assert shell.stderr == b"sqtui: The output cannot be written: No space left on device\n"


def test_help_into_a_closed_pipe() -> None:
    shell = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m sidekiq_tui --help | true"], capture_output=True, timeout=60
    )
    assert shell.stderr == b""


def test_watch_prints_one_document_a_line_until_interrupted(start: Start, url: str) -> None:
    process = start("dashboard", "--url", url, "-o", "json", "--watch", "0.05")
    times = [json.loads(stdout_of(process).readline())["time"] for _ in range(3)]
    assert times == sorted(set(times))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")


def test_watch_prints_the_header_of_csv_once(start: Start, url: str) -> None:
    process = start("servers", "--url", url, "-o", "csv", "--watch", "0.05")
    lines = [stdout_of(process).readline() for _ in range(3)]
    assert [line.startswith(b"server,") for line in lines] == [True, False, False]


def test_watch_uses_its_connection_again(start: Start, embedded: StartRedis) -> None:
    server = embedded()
    process = start("queues", "--url", f"unix://{server.socket}", "-o", "json", "--watch", "0.02")
    for _ in range(5):
        stdout_of(process).readline()
    with plain_client(server) as client:
        before = int(client.info("stats")["total_connections_received"])
        for _ in range(5):
            stdout_of(process).readline()
        assert int(client.info("stats")["total_connections_received"]) == before


def test_watch_survives_a_server_that_goes_and_comes_back(
    start: Start, redis_binary: Path, embedded: StartRedis
) -> None:
    server = embedded("comes-and-goes")
    process = start("dashboard", "--url", f"unix://{server.socket}", "-o", "json", "--watch", "0.05")

    def until(ok: bool) -> None:
        for _ in range(2000):
            if json.loads(stdout_of(process).readline())["servers"][0]["ok"] is ok:
                return
        raise AssertionError(f"never became ok={ok}")

    until(True)
    server.stop()
    until(False)
    again = type(server).start(server.socket.parent, binary=redis_binary, name="comes-and-goes")
    try:
        until(True)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        again.stop()
    assert process.returncode == 0
    said = err.splitlines()
    assert len(said) == len(set(said)) <= 3  # once, not at each round


def test_ctrl_c_is_130_and_silent(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = start("dashboard", "--url", f"redis://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "60")
        silent.accept()[0].recv(1)  # it has begun to ask
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_crash_leaves_no_core_file() -> None:
    code = (
        "import resource as r, sidekiq_tui.__main__ as door; most = r.getrlimit(r.RLIMIT_CORE)[1];"
        "r.setrlimit(r.RLIMIT_CORE, (most, most)); door.main(['--version']); print(r.getrlimit(r.RLIMIT_CORE))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "(0, 0)"
