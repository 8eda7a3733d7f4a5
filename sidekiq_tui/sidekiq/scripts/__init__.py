"""The Lua texts that change a server. Writing connections let through these, word for word, and no others."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

DRAIN: Final = b"#!lua flags=allow-oom\n"
"""Before a text: it may begin though the server's memory is full. From Redis 7.0 on (operations-safety 6.6)."""
DRAINING: Final = ("batch", "take")
"""The scripts that may: what they add, they take away elsewhere."""


def _text(lines: str) -> bytes:
    """A script as it goes over the wire: without comments, indentation and blank lines."""
    kept = (line.strip() for line in lines.splitlines())
    return "\n".join(line for line in kept if line and not line.startswith("--")).encode()


_BATCH: Final = ("batch", "batch_sets", "batch_queues", "batch_others", "batch_run")
"""The files that one script is made of."""
_LINES: Final = {
    entry.name.removesuffix(".lua"): entry.read_text("utf-8")
    for entry in files(__name__).iterdir()
    if entry.name.endswith(".lua")
}
_TEXTS: Final = {name: _text(lines) for name, lines in _LINES.items() if name not in _BATCH} | {
    "batch": _text("\n".join(_LINES[name] for name in _BATCH))
}

SCRIPTS: Final = frozenset(_TEXTS.values()) | {DRAIN + _TEXTS[name] for name in DRAINING}
"""All there are, as they are sent."""


def script(name: str, *, drain: bool = False) -> bytes:
    """The text of a script by the name of its file; `drain`: fit to run on a full server. Raises KeyError."""
    if drain and name not in DRAINING:
        raise KeyError(f"{name} must not run on a full server")
    return (DRAIN if drain else b"") + _TEXTS[name]
