"""A server that stops answering in the middle of a command: it is named, waited for so long, and gone on with later."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import StartRedis, plain_client
from tests.integration.cli.conftest import Sqtui
from tests.integration.cli.operating import fill_set, job_counts, payload
from tests.support.proxy import FaultProxy

JOBS: Final = 3000


class Link:
    """A proxy in a thread of its own, as the command line has the loop of this one."""

    def __init__(self, proxy: FaultProxy, loop: asyncio.AbstractEventLoop) -> None:
        self.proxy = proxy
        self._loop = loop

    def close(self) -> None:
        """Nobody is there any more."""
        asyncio.run_coroutine_threadsafe(self.proxy.close(), self._loop).result()

    def be_silent(self) -> None:
        """Nothing is answered any more."""
        self.proxy.swallow = True

    def heal(self) -> None:
        """As before."""
        self.proxy.swallow = False
        asyncio.run_coroutine_threadsafe(self.proxy.close(), self._loop).result()
        asyncio.run_coroutine_threadsafe(self.proxy.listen(), self._loop).result()

    def in_the_middle(self, fault: Callable[[], None]) -> threading.Thread:
        """Has it happen after the first batches."""

        def wait() -> None:
            until = time.monotonic() + 30.0
            while self.proxy.wire.names.count("EVALSHA") < 4 and time.monotonic() < until:
                time.sleep(0.005)
            fault()

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        return thread


@contextmanager
def linked(target: Path, folder: Path) -> Iterator[Link]:
    """Something between sqtui and a server."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxy = FaultProxy(target, folder)
    asyncio.run_coroutine_threadsafe(proxy.listen(), loop).result()
    try:
        yield Link(proxy, loop)
    finally:
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("fault", ["closed", "silent"])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "of-two"])
def test_a_server_that_is_lost_on_the_way_is_left_to_be_gone_on_with(
    fault: str, alone: bool, embedded: StartRedis, config: Callable[[str], str], sqtui: Sqtui, tmp_path: Path
) -> None:
    servers = {name: embedded(name) for name in ("lives", "dies")}
    for server in servers.values():
        with plain_client(server) as client:
            fill_set(client, "dead", [payload(number) for number in range(JOBS)])
    with linked(servers["dies"].socket, tmp_path) as link:
        sockets = {"lives": servers["lives"].socket, "dies": link.proxy.socket}
        file = config("".join(f'[servers.{name}]\nurl = "unix://{one}"\n' for name, one in sockets.items()))
        scope = ("--server", "dies") if alone else ("--all", "--confirm", "lives")
        link.proxy.delay = 0.02
        dying = link.in_the_middle(link.close if fault == "closed" else link.be_silent)
        began = time.monotonic()
        limits = ("--timeout", "3", "--patience", "2")
        ran = sqtui("--config", file, "delete", "dead", *scope, "--confirm", "dies", *limits)
        took = time.monotonic() - began
        dying.join()
        assert ran.code == 3, ran
        assert took < 30.0
        said = ran.err.splitlines()
        waiting = next((at for at, line in enumerate(said) if line.startswith("sqtui: waiting for dies: ")), None)
        assert waiting is not None, ran
        left = next(at for at, line in enumerate(said) if "its part is left" in line)
        assert waiting < left
        found = re.search(r"dies gave no answer for 2s: .*; sqtui (resume \w+ --server dies) goes on", said[left])
        assert found, said
        assert "unknown until dies answers" in ran.out
        if not alone:
            assert any(line.startswith("sqtui: lives: deleted 3,000") for line in said[: left + 1]), said
            assert re.search(r"^lives: deleted 3,000$", ran.out, re.MULTILINE)
        link.heal()
        link.proxy.delay = 0.0
        rest = sqtui("--config", file, *found[1].split(), "--yes", "--confirm", "dies")
        assert rest.code == 0, rest
    for name, server in servers.items():
        with plain_client(server) as client:
            assert client.zcard("dead") == (JOBS if alone and name == "lives" else 0)
            counts = job_counts(client)
            assert (len(counts), counts.total()) == (JOBS, JOBS)


@pytest.mark.parametrize("dies", ["source", "target"])
def test_a_move_whose_other_server_is_lost_is_left_and_gone_on_with(
    dies: str, embedded: StartRedis, config: Callable[[str], str], sqtui: Sqtui, tmp_path: Path
) -> None:
    servers = {name: embedded(name) for name in ("source", "target")}
    with plain_client(servers["source"]) as client:
        fill_set(client, "dead", [payload(number) for number in range(JOBS)])
    with linked(servers[dies].socket, tmp_path) as link:
        sockets = {name: server.socket for name, server in servers.items()} | {dies: link.proxy.socket}
        file = config("".join(f'[servers.{name}]\nurl = "unix://{one}"\n' for name, one in sockets.items()))
        link.proxy.delay = 0.02
        dying = link.in_the_middle(link.be_silent)
        answers = ("--confirm", "source", "--confirm", "target", "--yes")
        command = ("move", "dead", "--to", "target", "--server", "source", *answers)
        ran = sqtui("--config", file, *command, "--timeout", "3", "--patience", "2")
        dying.join()
        assert ran.code == 3, ran
        assert "sqtui: waiting for source: " in ran.err
        found = re.search(r"; sqtui (resume \w+ --server source) goes on with it", ran.err)
        assert found, ran
        link.heal()
        link.proxy.delay = 0.0
        rest = sqtui("--config", file, *found[1].split(), *answers)
        assert rest.code == 0, rest
    with plain_client(servers["source"]) as source, plain_client(servers["target"]) as target:
        assert (source.zcard("dead"), target.zcard("dead")) == (0, JOBS)
        assert job_counts(source).total() == 0
        assert set(job_counts(target).values()) == {1}
