"""`sqtui demo` as a process: what it prints, and that nothing of it outlives it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from sidekiq_tui.demo import command
from sidekiq_tui.demo.command import DemoFailed
from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.errors import UsageError
from sidekiq_tui.servers.profile import Profile
from tests.support.terminal import Terminal, sqtui

PATIENCE = 60.0  # seconds, on a busy machine


def until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended but was not reaped does not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(shown.strip()) and not shown.startswith("Z")


def children(pid: int) -> list[int]:
    shown = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in shown.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def told(pid: int) -> str:
    return subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True).stdout


@dataclass
class Running:
    """A headless demo with everything that belongs to it."""

    process: subprocess.Popen[str]
    urls: dict[str, str]
    settings: Path
    supervisor: int

    @property
    def children(self) -> list[int]:
        return children(self.supervisor)

    @property
    def servers(self) -> list[int]:
        return [pid for pid in self.children if "sidekiq_tui.demo.crew" not in told(pid)]

    @property
    def crews(self) -> list[int]:
        return [pid for pid in self.children if "sidekiq_tui.demo.crew" in told(pid)]

    def gone(self, pids: list[int]) -> None:
        """Wait until nothing is left of it; `pids`: its children while it lived."""
        pids = [self.supervisor, *pids]
        until(lambda: not any(map(alive, pids)), "its processes are gone")
        until(lambda: not self.settings.parent.exists(), "its folder is gone")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for temporary folders with a short path: sockets must lie in it."""
    with tempfile.TemporaryDirectory(prefix="sq-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


@pytest.fixture
def headless(temporary: Path) -> Iterator[Callable[..., Running]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> Running:
        process = subprocess.Popen(
            [sys.executable, "-m", "sidekiq_tui", "demo", "--headless", "--seed", "1", *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        urls: dict[str, str] = {}
        for line in process.stdout:
            if line.startswith("sqtui --config "):
                settings = Path(line.split()[-1])
                break
            if line.strip():
                name, url = line.split()
                urls[name] = url
        (supervisor,) = children(process.pid)
        return Running(process, urls, settings, supervisor)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_printed_addresses_work(headless: Callable[..., Running], temporary: Path) -> None:
    demo = headless("--servers", "2")
    assert list(demo.urls) == ["shop-prod", "shop-stg"]
    assert len(demo.servers) == 2
    for url in demo.urls.values():
        profile = Profile.from_url(url)
        assert profile.socket is not None
        assert Path(profile.socket).parent == demo.settings.parent
        assert temporary in demo.settings.parents
        with redis.Redis.from_url(url) as client:
            assert client.scard("processes")
            with pytest.raises(redis.ResponseError, match="not allowed"):
                client.execute_command("DEBUG", "SLEEP", "0")
        with redis.Redis(unix_socket_path=profile.socket) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        password = profile.password.reveal() if profile.password else ""
        everyone = subprocess.run(["ps", "-eww", "-o", "args="], capture_output=True, text=True, check=True).stdout
        assert password
        assert password not in everyone


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_however_it_ends(headless: Callable[..., Running], number: signal.Signals) -> None:
    demo = headless("--servers", "3")
    pids = demo.children
    assert len(demo.servers) == 3
    assert len(demo.crews) >= 2
    demo.process.send_signal(number)
    code = demo.process.wait(PATIENCE)
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    if number is not signal.SIGKILL:
        assert not demo.settings.parent.exists()  # gone before it ends
        assert not any(map(alive, pids))
    demo.gone(pids)


def test_nothing_is_left_when_it_is_killed_while_loading(temporary: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sidekiq_tui", "demo", "--headless", "--jobs", "400000"], stdout=subprocess.PIPE
    )
    until(lambda: bool(list(temporary.glob("sqtui-demo-*/*.sock"))), "its servers come up")
    (supervisor,) = children(process.pid)
    servers = children(supervisor)
    process.kill()
    process.communicate()
    until(lambda: not any(map(alive, [supervisor, *servers])), "its processes are gone")
    until(lambda: not list(temporary.iterdir()), "its folder is gone")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can tie a process to its parent")
def test_a_killed_supervisor_takes_its_servers_and_workers_along(headless: Callable[..., Running]) -> None:
    demo = headless("--servers", "2")
    pids = demo.children
    os.kill(demo.supervisor, signal.SIGKILL)
    assert demo.process.wait(PATIENCE) == 1
    demo.gone(pids)


def test_a_killed_worker_is_brought_back(headless: Callable[..., Running]) -> None:
    demo = headless("--servers", "1", "--scenario", "busy")
    (victim,) = (pid for pid in demo.crews if "crew-shop-prod" in told(pid))
    os.kill(victim, signal.SIGKILL)
    until(lambda: any("crew-shop-prod" in told(pid) for pid in demo.crews if pid != victim), "its successor works")
    pids = demo.children
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(PATIENCE) == 0
    demo.gone(pids)


_HANGS = """
import sys, time
from pathlib import Path
from sidekiq_tui.demo.crews import Crew, orders_for, rosters
from sidekiq_tui.demo.crew import Post
from sidekiq_tui.demo.plans import plans

(roster,) = rosters(plans(1, scenario="calm"))
crew = Crew(roster, Path(sys.argv[1]), restarts=False)
post = Post("shop-prod", sys.argv[2], "", ())
crew.begin(orders_for(roster, [post], seed="1", servers=1, scenario="calm", began=time.time()))
print(crew.pid, flush=True)
sys.stdin.readline()
crew.suffer("hang")
print("hangs", flush=True)
time.sleep(600)
"""


def test_a_worker_that_hangs_ends_with_its_parent_too(
    temporary: Path, redis_server: EmbeddedRedis, redis_url: str
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _HANGS, str(temporary), str(redis_server.socket)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: client.scard("processes") == 6, "its hosts are there")
        parent.stdin.write("hang\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "hangs\n"

        def pushed_and_left() -> bool:
            client.lpush("queue:critical", '{"class":"Nothing","args":[],"jid":"1","retry":false}')
            time.sleep(0.2)
            return bool(client.llen("queue:critical") > 5)

        until(pushed_and_left, "it takes no jobs")
    assert alive(worker)
    parent.kill()
    parent.communicate()
    until(lambda: not alive(worker), "it is gone")


def test_a_server_stopped_by_hand_does_not_stop_the_others(headless: Callable[..., Running]) -> None:
    demo = headless("--servers", "2")
    pids = demo.children
    (production,) = (pid for pid in demo.servers if "shop-prod" in told(pid))
    os.kill(production, signal.SIGKILL)
    with redis.Redis.from_url(demo.urls["shop-stg"]) as client:

        def processed() -> int:
            return int(client.get("stat:processed"))

        before = processed()
        until(lambda: processed() > before, "the other server lives on")
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(PATIENCE) == 0
    demo.gone(pids)


def options(**given: object) -> argparse.Namespace:
    return argparse.Namespace(
        **{"seed": 1, "servers": 1, "jobs": None, "headless": False, "redis_server": None, "scenario": "busy"} | given
    )


def run_demo(args: argparse.Namespace, open_ui: Callable[[tuple[Profile, ...], Path], int]) -> None:
    command.run(args, open_ui=open_ui, say=print, progress=lambda text: None)


def test_the_ui_gets_the_profiles_and_a_crash_of_it_leaves_nothing(temporary: Path) -> None:
    seen: list[Profile] = []

    def open_ui(profiles: tuple[Profile, ...], folder: Path) -> int:
        seen.extend(profiles)
        raise RuntimeError("the UI is broken")

    with pytest.raises(RuntimeError):
        run_demo(options(servers=3), open_ui)
    assert [(one.name, one.label, one.group, one.origin) for one in seen] == [
        ("shop-prod", "production", "shop", "demo"),
        ("shop-stg", "staging", "shop", "demo"),
        ("data-dev", "development", "analytics", "demo"),
    ]
    assert not list(temporary.iterdir())


def test_without_a_server_program_it_says_how_to_get_one(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQTUI_REDIS_SERVER", str(temporary / "nothing"))
    with pytest.raises(DemoFailed) as caught:
        run_demo(options(), lambda profiles, folder: 0)
    assert "redis-server" in caught.value.hint
    assert not list(temporary.iterdir())


def test_a_server_program_that_is_none_fails_in_words(temporary: Path) -> None:
    with pytest.raises(DemoFailed, match="shop-prod"):
        run_demo(options(redis_server=Path("/bin/false")), lambda profiles, folder: 0)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("servers", [0, 51])
def test_too_few_or_too_many_servers_are_refused(servers: int) -> None:
    with pytest.raises(UsageError, match=str(servers)):
        run_demo(options(servers=servers), lambda profiles, folder: 0)


def test_big_sizes_show_how_far_it_is(temporary: Path) -> None:
    supervisor = command._Supervisor(command._orders(options(jobs=60_000)))
    try:
        events = []
        for event in supervisor.events():
            events.append(event)
            if event["event"] == "ready":
                break
    finally:
        supervisor.end()
    steps = [event["done"] for event in events if event["event"] == "progress"]
    assert steps == sorted(steps)
    assert steps[-1] == next(event["total"] for event in events if event["event"] == "progress")
    json.dumps(events)


@pytest.mark.parametrize("way", ["q", "SIGINT", "SIGTERM", "SIGKILL"])
def test_leaving_the_ui_leaves_nothing(temporary: Path, way: str) -> None:
    with Terminal(sqtui("demo", "--seed", "1"), columns=120, rows=40) as terminal:
        terminal.wait_for("shop-prod")
        (supervisor,) = children(terminal.pid)
        servers = children(supervisor)
        assert len(servers) > 3
        if way == "q":
            terminal.send("q")
        else:
            terminal.kill(signal.Signals[way])
        terminal.wait_exit()
    until(lambda: not any(map(alive, [supervisor, *servers])), "its processes are gone")
    until(lambda: not list(temporary.iterdir()), "its folder is gone")
