"""For tests beside real Ruby Sidekiq: each runs with every version that this machine has, and is skipped with none."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import plain_client
from tests.support.ruby import Ruby, rubies


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a version."""
    if "ruby" in metafunc.fixturenames:
        found = rubies()
        none = pytest.param(None, marks=pytest.mark.skip(reason="no Ruby Sidekiq on this machine"), id="no Ruby")
        metafunc.parametrize("ruby", [pytest.param(ruby, id=ruby.version) for ruby in found] or [none])


@pytest.fixture(scope="session")
def tcp_server(tmp_path_factory: pytest.TempPathFactory, redis_binary: Path) -> Iterator[EmbeddedRedis]:
    """A server that a Ruby in a chroot reaches too."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = EmbeddedRedis.start(tmp_path_factory.mktemp("tcp"), binary=redis_binary, name="tcp", tcp_port=port)
    yield server
    server.stop()


@pytest.fixture
def redis_url(tcp_server: EmbeddedRedis) -> str:
    """The address of an empty database there."""
    with plain_client(tcp_server) as client:
        client.flushall()
    assert tcp_server.tcp_url is not None
    return tcp_server.tcp_url


__all__ = ["Ruby"]
