"""What every test shares: an embedded Redis per worker, recorded data, and a machine that isn't the developer's."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import redis
import redis.asyncio
from hypothesis import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from sidekiq_tui.demo.embedded import EmbeddedRedis, find_server
from sidekiq_tui.sidekiq.database import Database
from tests.support.dumps import FIXTURES, load

# Machines are noisy: no example is too slow. CI takes the same examples each time, developers new ones.
settings.register_profile("sqtui", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("sqtui")

_REMOVED_VARIABLES = (
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "COLORFGBG",
    "COLORTERM",
    "REDIS_URL",
    "REDIS_PROVIDER",
    "FORCE_COLOR",
)
_REMOVED_PREFIXES = ("SQTUI_", "TEXTUAL_")
_SERVER_BINARY = os.environ.get("SQTUI_REDIS_SERVER")
_OF_TERMINALS = ("tests/terminal", "tests/tui", "tests/unit/tui", "tests/integration/demo")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What waits for a terminal to be quiet can fail for want of a core: it runs once more, and is named at the end.

    What may fail for a race in the program itself, as operations and faults, never does.
    """
    if config.pluginmanager.hasplugin("rerunfailures"):
        for item in items:
            if item.nodeid.startswith(_OF_TERMINALS):
                item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the developer's home, settings, terminal or keyring."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name in _REMOVED_VARIABLES or name.startswith(_REMOVED_PREFIXES):
            monkeypatch.delenv(name)
    for name, folder in (("HOME", "."), ("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".local/state")):
        monkeypatch.setenv(name, str(home / folder))
    for name, folder in (("XDG_CACHE_HOME", ".cache"), ("XDG_DATA_HOME", ".local/share")):
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    if _SERVER_BINARY:
        monkeypatch.setenv("SQTUI_REDIS_SERVER", _SERVER_BINARY)
    return home


@pytest.fixture(scope="session")
def redis_binary() -> Path:
    """The bundled server, so that every machine tests the same; SQTUI_REDIS_SERVER names another."""
    return find_server(prefer="bundled")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory, redis_binary: Path) -> Iterator[EmbeddedRedis]:
    """This test worker's own server."""
    server = EmbeddedRedis.start(tmp_path_factory.mktemp("redis"), binary=redis_binary, name="worker")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def many_databases(tmp_path_factory: pytest.TempPathFactory, redis_binary: Path) -> Iterator[EmbeddedRedis]:
    """A server with fifty databases, each a server of its own to sqtui; a test fills and empties what it uses."""
    server = EmbeddedRedis.start(
        tmp_path_factory.mktemp("many"), binary=redis_binary, name="many", config=("databases 50",)
    )
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The address of an empty database on a server without any user but the default one."""
    with plain_client(redis_server) as client:
        for user in client.acl_users():
            if user != "default":
                client.acl_deluser(user)
        client.flushall()
    return f"unix://{redis_server.socket}?db=0"


def plain_client(server: EmbeddedRedis) -> redis.Redis:
    """A client for set-up and checks, apart from everything under test."""
    return redis.Redis(unix_socket_path=str(server.socket), retry=Retry(NoBackoff(), 0))


@pytest.fixture
async def raw(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """An unrestricted client, to put data where sqtui will read it."""
    client = redis.asyncio.Redis.from_url(redis_url, protocol=2, legacy_responses=False)
    yield client
    await client.aclose()


@pytest.fixture
async def db(raw: redis.asyncio.Redis) -> Database:
    """The data layer on the empty database."""
    return Database(raw)


class LoadDump(Protocol):
    """Loads a recorded version's data and returns the number of keys."""

    def __call__(self, version: str, *, ttl: bool = False, prefix: str = "") -> int: ...


@pytest.fixture
def load_dump(redis_url: str, redis_server: EmbeddedRedis) -> LoadDump:
    """What a real Sidekiq wrote, in the empty database."""

    def load_version(version: str, *, ttl: bool = False, prefix: str = "") -> int:
        with plain_client(redis_server) as client:
            return load(FIXTURES / f"sidekiq-{version}" / "dump.json", client, ttl=ttl, prefix=prefix)

    return load_version


@pytest.fixture(scope="session")
def expected() -> Callable[[str], dict[str, Any]]:
    """What Sidekiq's own API of that version answers on the recorded data."""

    def read(version: str) -> dict[str, Any]:
        answers: dict[str, Any] = json.loads((FIXTURES / f"sidekiq-{version}" / "expected.json").read_text("utf-8"))
        return answers

    return read


class StartRedis(Protocol):
    """Starts one more server, stopped at the end of the test."""

    def __call__(self, name: str = "extra", **options: Any) -> EmbeddedRedis: ...


@pytest.fixture
def embedded(tmp_path_factory: pytest.TempPathFactory, redis_binary: Path) -> Iterator[StartRedis]:
    """Servers of a test's own, which it may stop, freeze or fill."""
    started: list[EmbeddedRedis] = []

    def start(name: str = "extra", **options: Any) -> EmbeddedRedis:
        server = EmbeddedRedis.start(tmp_path_factory.mktemp("r"), binary=redis_binary, name=name, **options)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
