"""Where a password comes from.

In this order: the profile itself (from `--url` or the demo), `password_command`, the environment, `password_file`, the
keyring (only for profiles with `keyring = true`: asking it costs 200 ms and may open a dialog), and at last, when the
server asks for one, the prompt of whoever runs sqtui.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from sidekiq_tui.errors import SecretError
from sidekiq_tui.servers import keyring_store
from sidekiq_tui.servers.profile import Profile, Secret

PasswordSource = Callable[[Profile], Awaitable[str | None]]
"""Asks a person for the password of a server; None when they decline."""

COMMAND_LIMIT: Final = 10.0
"""Seconds a `password_command` may take."""
MAX_SECRET: Final = 65536
"""Bytes; tokens of cloud providers have some thousands."""
_WAYS: Final = "password_command, the variable {variable}, password_file (0600), or: sqtui profile set-password"


def environment_variable(name: str) -> str:
    """The variable that may hold a server's password: `SQTUI_PROD_EU_PASSWORD` for prod-eu."""
    return f"SQTUI_{''.join(c if c.isalnum() else '_' for c in name.upper())}_PASSWORD"


def ways(name: str) -> str:
    """The ways to give a server its password, in words."""
    return _WAYS.format(variable=environment_variable(name))


async def stored_secret(profile: Profile, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The password from wherever the profile says; None when nothing does. Raises `SecretError`."""
    environ = os.environ if environ is None else environ
    if profile.password is not None:
        return profile.password
    if profile.password_command is not None:
        if profile.commands_refused:
            raise SecretError(
                f"password_command of {profile.name} was not run: {profile.commands_refused}",
                hint="a file that others can change must not decide what runs: chmod go-w, chown",
            )
        return Secret(await run_command(profile.password_command, environ))
    if value := environ.get(environment_variable(profile.name)):
        return Secret(value)
    if profile.password_file is not None:
        return Secret(read_file(profile.password_file))
    if profile.keyring:
        value = await keyring_store.read(profile.name)
        if value is None:
            raise SecretError(
                f"the keyring has no password for {profile.name}", hint=f"sqtui profile set-password {profile.name}"
            )
        return Secret(value)
    return None


async def run_command(argv: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """The first line that a program prints. No shell, no input, no terminal, none of our own password variables."""
    name = _printable(argv[0])
    clean = {key: value for key, value in environ.items() if not re.fullmatch(r"SQTUI_.*_PASSWORD", key, re.DOTALL)}
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=clean,
            start_new_session=True,
            limit=MAX_SECRET,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds a NUL character"
        raise SecretError(f"password_command {name} cannot be started: {reason}") from None
    try:
        async with asyncio.timeout(COMMAND_LIMIT):
            line, said, code = await _first_line(process)
    except TimeoutError:
        raise SecretError(f"password_command {name} gave no answer within {COMMAND_LIMIT:g}s") from None
    except ValueError:
        raise SecretError(f"password_command {name} printed a line of more than {MAX_SECRET} bytes") from None
    finally:
        await _end(process)
    if code != 0:
        raise SecretError(f"password_command {name} failed with status {code}{_quoted(said)}")
    if not line:
        raise SecretError(f"password_command {name} printed nothing{_quoted(said)}")
    return line


async def _first_line(process: asyncio.subprocess.Process) -> tuple[str, bytes, int]:
    assert process.stdout is not None
    assert process.stderr is not None
    said = asyncio.ensure_future(_head(process.stderr))
    try:
        line = await process.stdout.readline()
        await _head(process.stdout)
        return line.decode("utf-8", "surrogateescape").rstrip("\r\n"), await said, await process.wait()
    finally:
        said.cancel()


async def _head(stream: asyncio.StreamReader) -> bytes:
    """The first kilobytes; the rest is read and dropped, so that the program can end."""
    head = b""
    while chunk := await stream.read(4096):
        if len(head) < 4096:
            head += chunk
    return head


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _quoted(said: bytes) -> str:
    """The first line of what a program complained about, printable characters only."""
    first = next((line for line in said.decode("utf-8", "replace").splitlines() if line.strip()), "")
    clean = _printable(first)
    return f": {clean}" if clean else ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()[:200]


def read_file(name: str) -> str:
    """The first line of a password file. Refused unless it is ours alone (0600)."""
    path = Path(name).expanduser()
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SecretError(f"password_file {path} cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(f"password_file {path} is not a regular file")
        if status.st_uid != os.geteuid():
            raise SecretError(f"password_file {path} belongs to another user", hint=f"chown $USER {path}")
        if status.st_mode & 0o077:
            raise SecretError(
                f"password_file {path} can be read by others (mode {status.st_mode & 0o777:04o})",
                hint=f"chmod 600 {path}",
            )
        content = os.read(handle, MAX_SECRET)
    except OSError as error:
        raise SecretError(f"password_file {path} cannot be read: {error.strerror}") from None
    finally:
        os.close(handle)
    line = content.partition(b"\n")[0].rstrip(b"\r")
    if not line:
        raise SecretError(f"password_file {path} has an empty first line")
    return line.decode("utf-8", "surrogateescape")


def untrusted(path: Path) -> str:
    """Why commands in this file must not be run; empty when only its owner can change it.

    The file and every folder above it must belong to this user or root, and nobody else may write them (a sticky
    folder such as /tmp is fine for others' files). Both the name as given and what it links to are looked at.
    """
    seen: set[Path] = set()
    for start in (path.absolute(), path.resolve()):
        for place in (start, *start.parents):
            if place in seen:
                continue
            seen.add(place)
            if reason := _untrusted_place(place):
                return reason
    return ""


def _untrusted_place(place: Path) -> str:
    try:
        status = place.lstat()
    except OSError as error:
        return f"{place} cannot be looked at: {error.strerror}"
    if status.st_uid not in (0, os.geteuid()):
        return f"{place} belongs to another user"
    if stat.S_ISLNK(status.st_mode):
        return ""
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & 0o022 and not sticky:
        return f"{place} can be written by others (mode {status.st_mode & 0o7777:04o})"
    return ""
