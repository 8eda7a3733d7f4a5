"""Which sqtui an operation belongs to, and whether that one still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: its number, when it was started (as the system counts; 0 where it does not say), its machine."""

    pid: int
    started: int
    host: str


def this_process() -> Owner:
    """The running one."""
    pid = os.getpid()
    return Owner(pid, _started(pid), socket.gethostname())


def lives(owner: Owner) -> bool | None:
    """Whether it still runs; None for another machine, of which nothing is known here."""
    if owner.host != socket.gethostname():
        return None
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's process has that number
        return False
    return not owner.started or _started(owner.pid) in (0, owner.started)


def _started(pid: int) -> int:
    """Ticks from the boot to the start of a process, where /proc tells it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    # The name, in brackets, may hold anything; what follows its end begins with field 3.
    fields = stat.rpartition(b")")[2].split()
    return int(fields[19]) if len(fields) > 19 else 0
