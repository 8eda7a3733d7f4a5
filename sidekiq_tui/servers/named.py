"""A server, and perhaps a queue on it, as a person writes both: `staging`, `staging:low`."""

from __future__ import annotations

from collections.abc import Iterable


def server_and_queue(text: str, names: Iterable[str]) -> tuple[str, str | None] | None:
    """The server that `text` names, and what follows its colon; None when it names none.

    The names themselves may have colons, as those of servers given by address do: then the longest one counts.
    """
    known = sorted(names, key=len, reverse=True)
    if text in known:
        return text, None
    name = next((one for one in known if text.startswith(f"{one}:")), None)
    return None if name is None else (name, text.removeprefix(f"{name}:").strip())
