"""Many payloads that differ in their arguments and jid alone: what they share is encoded once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from sidekiq_tui.sidekiq.client_payload import dumps_value

JID_BYTES: Final = 12
_SLOTS: Final = ("args", "jid")


class PayloadTemplate:
    """Payloads with these fields, in this order, as `dumps` would write each of them."""

    def __init__(self, common: Mapping[str, object]) -> None:
        """`common` must have `args` and `jid`, whose values do not matter. Raises InvalidJob."""
        pieces: list[str] = []
        self._slots: list[str] = []
        text = "{"
        for number, (name, value) in enumerate(common.items()):
            text += ("," if number else "") + dumps_value(name) + ":"
            if name in _SLOTS:
                pieces.append(text)
                self._slots.append(name)
                text = ""
            else:
                text += dumps_value(value)
        self._before, self._between = pieces
        self._after = text + "}"

    def write(self, args: Sequence[object], jid: str) -> bytes:
        """One payload. Raises InvalidJob for arguments that cannot be written."""
        first, second = dumps_value(args), f'"{jid}"'
        if self._slots[0] == "jid":
            first, second = second, first
        return f"{self._before}{first}{self._between}{second}{self._after}".encode()


def new_jids(count: int) -> list[str]:
    """So many jids of 24 hexadecimal digits."""
    digits = os.urandom(JID_BYTES * count).hex()
    width = 2 * JID_BYTES
    return [digits[start : start + width] for start in range(0, width * count, width)]
