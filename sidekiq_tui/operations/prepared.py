"""A batch that is ready to be sent."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.operations.entries import Entry
from sidekiq_tui.sidekiq.batch_items import Item

TOGETHER: Final = 12
"""Digits of their ids that the parts of one deed on several servers share; of others they are as random as the rest."""
UNKNOWN: Final = "?"
"""The result of an entry of which nobody can say what became of it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Items and, alongside, what the journal keeps of each. `entries` is None where nothing is kept here.

    `number` counts the batches of an operation; `bid` is the random id under which this one goes.
    """

    number: int
    bid: str
    items: Sequence[Item]
    entries: Sequence[Entry] | None
    jids: Sequence[str | None] = ()
    """For the audit; as long as `items`, or empty."""


def new_id(together: str = "") -> str:
    """The id of an operation: 20 hexadecimal digits, which begin with `together`."""
    return together + secrets.token_hex(10 - len(together) // 2)


def new_bid() -> str:
    """The random id of a batch: 12 hexadecimal digits."""
    return secrets.token_hex(6)
