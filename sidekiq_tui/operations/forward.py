"""Sends audit lines elsewhere, where their writer cannot change them: to syslog, or to a command."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Final

_LIMIT: Final = 10.0
"""Seconds that the command may take for a line."""


class Forward:
    """Where lines go besides the file. What fails is kept in `trouble` and never stops an operation."""

    def __init__(self, *, syslog: bool = False, command: Sequence[str] = ()) -> None:
        """`command`: program and arguments, run without a shell, the line on its standard input."""
        self._syslog = syslog
        self._command = tuple(command)
        self.trouble = ""
        """Why the last line did not arrive; empty when it did."""

    def send(self, line: bytes) -> None:
        """Forwards one line. Blocks up to ten seconds; never raises."""
        self.trouble = ""
        try:
            if self._syslog:
                import syslog

                syslog.openlog("sqtui", syslog.LOG_PID, syslog.LOG_AUTH)
                syslog.syslog(syslog.LOG_NOTICE, line.decode("ascii", "replace"))
            if self._command:
                subprocess.run(
                    self._command,
                    input=line + b"\n",
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=_LIMIT,
                    check=True,
                )
        except subprocess.TimeoutExpired:
            self.trouble = f"{self._command[0]} took longer than {_LIMIT:g}s"
        except subprocess.CalledProcessError as error:
            self.trouble = f"{self._command[0]} ended with {error.returncode}"
        except (OSError, ImportError) as error:
            self.trouble = str(error)
