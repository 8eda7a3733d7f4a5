"""Who acts: the person and the machine, as the audit and the records on the servers name them."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

RECORD_BYTES: Final = 64
"""How long a record on a server names somebody at most (operations-safety 4)."""


@dataclass(frozen=True, slots=True)
class Who:
    """A person on a machine. `origin`: where the SSH session comes from, empty without one."""

    user: str
    host: str
    origin: str = ""

    @property
    def text(self) -> str:
        """`user@host` of printable ASCII, short enough for a record."""
        shown = "".join(char if char.isascii() and char.isprintable() else "?" for char in f"{self.user}@{self.host}")
        return shown[:RECORD_BYTES]


def current_who(environ: Mapping[str, str] | None = None) -> Who:
    """Who runs this process. Never raises: an unknown user is named by the number."""
    variables = os.environ if environ is None else environ
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no name in the environment and none for the number
        user = str(os.getuid())
    origin = variables.get("SSH_CONNECTION", variables.get("SSH_CLIENT", "")).partition(" ")[0]
    return Who(user, socket.gethostname(), origin)
