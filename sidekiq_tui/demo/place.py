"""The demo's folder: sockets, logs, passwords and a settings file that opens all its servers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sidekiq_tui.demo.embedded import SOCKET_PATH_LIMIT
from sidekiq_tui.demo.plans import ServerPlan

PREFIX: Final = "sqtui-demo-"
SETTINGS: Final = "sqtui.toml"
KEPT: Final = "kept"
"""The folder in it for the journal and the audit of what is done to its servers."""
_LOCK: Final = "lock"
_PIDS: Final = "pids"
_NAMES: Final = 56  # bytes that the folder's and the longest socket's names need


@dataclass(frozen=True, slots=True)
class Address:
    """Where one server of the demo is reached. `backend` names the socket of the server itself."""

    plan: ServerPlan
    socket: Path
    backend: str
    password: str

    @property
    def url(self) -> str:
        """The address without the password."""
        return f"unix://{quote(str(self.socket))}?db=0"


class Place:
    """A fresh folder that only its owner can enter; a lock in it tells whether its demo still lives."""

    def __init__(self) -> None:
        reap()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_parent()))
        self._lock = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def address(self, plan: ServerPlan) -> Address:
        """A new address with a random password."""
        backend = f"{plan.name}-behind" if plan.proxied else plan.name
        return Address(plan, self.folder / f"{plan.name}.sock", backend, secrets.token_urlsafe(18))

    def write(self, addresses: Iterable[Address]) -> Path:
        """Write the settings file and the password files; returns the settings file."""
        lines = ["# Written by sqtui demo, and removed with it."]
        lines += ["", "[journal]", f"folder = {_quoted(str(self.folder / KEPT))}"]
        for address in addresses:
            password = self.folder / f"{address.plan.name}.password"
            _write(password, address.password + "\n")
            lines += [
                "",
                f"[servers.{_quoted(address.plan.name)}]",
                f"url = {_quoted(address.url)}",
                f"label = {_quoted(address.plan.label)}",
                f"group = {_quoted(address.plan.group)}",
                f"password_file = {_quoted(str(password))}",
            ]
            if address.plan.favorite:
                lines.append("favorite = true")
        settings = self.folder / SETTINGS
        _write(settings, "\n".join(lines) + "\n")
        return settings

    def note(self, pids: Iterable[int]) -> None:
        """Remember the servers' processes, for a later demo to end if this one can't."""
        _write(self.folder / _PIDS, "\n".join(map(str, pids)))

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._lock)


def _parent() -> Path:
    """Where temporary folders go; /tmp if that path would make those of the sockets too long for the system."""
    usual = Path(tempfile.gettempdir())
    return usual if len(os.fsencode(usual)) + _NAMES <= SOCKET_PATH_LIMIT else Path("/tmp")


def reap() -> None:
    """Remove what a demo left behind that was killed together with its supervisor: nobody holds its lock."""
    for folder in _parent().glob(f"{PREFIX}*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # it lives
        else:
            _end_servers(folder)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def _end_servers(folder: Path) -> None:
    """End the processes noted in a dead demo's folder, if they are still servers on sockets in that folder."""
    with contextlib.suppress(OSError, ValueError):
        for pid in map(int, (folder / _PIDS).read_text().split()):
            shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, check=False)
            if os.fsencode(folder) in shown.stdout:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGTERM)


def _write(path: Path, text: str) -> None:
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
