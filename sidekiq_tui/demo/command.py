"""`sqtui demo`: starts the supervisor, waits until its servers are ready, and opens the UI on them."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final

from sidekiq_tui.demo.orders import DEFAULT_SERVERS, MOST_SERVERS, Orders
from sidekiq_tui.demo.place import KEPT
from sidekiq_tui.errors import SqtuiError, UsageError

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.servers.profile import Profile

END_TIMEOUT: Final = 10.0  # seconds that the supervisor gets to stop its servers


class DemoFailed(SqtuiError):
    """The demo's servers did not come up, or ended."""

    title: ClassVar[str] = "demo"


@dataclass(frozen=True, slots=True)
class Ready:
    """A running demo: its settings file, and full addresses (with passwords) by name."""

    settings: Path
    urls: dict[str, str]


def run(
    args: argparse.Namespace,
    *,
    open_ui: Callable[[tuple[Profile, ...], Path], int],
    say: Callable[[Iterable[str]], None],
    progress: Callable[[str], None],
) -> int:
    """Run the demo until it is left, and leave nothing behind. Raises DemoFailed; returns the exit code.

    `open_ui` gets the servers, and the folder for what operations on them keep.

    `say` prints lines; `progress` shows how far it is, and nothing any more for an empty text.
    """
    with _supervisor(_orders(args)) as supervisor:
        if not args.headless:
            import textual.app  # noqa: F401 (half a second that the servers need to come up anyway)
        ready = supervisor.wait(progress)
        if args.headless:
            return _stay(supervisor, ready, say)
        return open_ui(_profiles(ready.settings), ready.settings.parent / KEPT)


def _orders(args: argparse.Namespace) -> Orders:
    servers = DEFAULT_SERVERS if args.servers is None else args.servers
    if not 1 <= servers <= MOST_SERVERS:
        raise UsageError(f"--servers {servers}", hint=f"from 1 to {MOST_SERVERS}")
    seed = secrets.token_hex(8) if args.seed is None else str(args.seed)
    binary = None if args.redis_server is None else str(Path(args.redis_server).absolute())
    return Orders(seed=seed, servers=servers, jobs=args.jobs, binary=binary, scenario=args.scenario)


def _profiles(settings: Path) -> tuple[Profile, ...]:
    from sidekiq_tui.servers.profile_store import load_profiles

    found = load_profiles(settings)
    for problem in found.problems:
        raise problem.error()
    return tuple(replace(profile, origin="demo") for profile in found.profiles)


def _stay(supervisor: _Supervisor, ready: Ready, say: Callable[[Iterable[str]], None]) -> int:
    """Print the addresses and stay until a signal comes: that is the way to leave, so the exit code is 0."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        width = max(map(len, ready.urls))
        lines = [f"{name:<{width}}  {url}" for name, url in ready.urls.items()]
        say([*lines, "", f"sqtui --config {ready.settings}"])
        for _ in supervisor.events():
            pass  # nothing comes after "ready" but the end
    except _Left:
        return 0
    raise supervisor.failure()


class _Left(BaseException):
    """Somebody asked the headless demo to end."""


def _leave(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # asking twice must not cut the cleaning up short
    raise _Left


@contextmanager
def _supervisor(orders: Orders) -> Iterator[_Supervisor]:
    supervisor = _Supervisor(orders)
    try:
        yield supervisor
    finally:
        supervisor.end()


class _Supervisor:
    """The child process that owns the servers. It ends when we do, however we end: it watches the pipe between us."""

    def __init__(self, orders: Orders) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `end`)
        self._folder: Path | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sidekiq_tui.demo.supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C in the terminal is ours to handle, not the supervisor's
        )
        assert self._process.stdin is not None
        self._process.stdin.write(orders.line())
        self._process.stdin.flush()

    def wait(self, progress: Callable[[str], None]) -> Ready:
        """Wait until the servers are filled. Raises DemoFailed."""
        try:
            for event in self.events():
                if event["event"] == "progress":
                    progress(f"{event['server']}: {event['done']:,} of {event['total']:,} jobs")
                elif event["event"] == "failed":
                    raise DemoFailed(event["message"], hint=event["hint"])
                elif event["event"] == "ready":
                    return Ready(Path(event["settings"]), event["urls"])
            raise self.failure()
        finally:
            progress("")

    def events(self) -> Iterator[dict[str, Any]]:
        """What it reports, one event after the other; ends when the process does."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "folder":
                self._folder = Path(event["path"])
            yield event

    def failure(self) -> DemoFailed:
        """Why it ended by itself, in the last words it said."""
        code = self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines()
        return DemoFailed(f"its servers ended ({words[-1] if words else f'exit code {code}'})")

    def end(self) -> None:
        """Let it clean up; clean up ourselves if it can't."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
