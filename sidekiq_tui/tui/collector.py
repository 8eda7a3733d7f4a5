"""When Python looks for garbage: not while somebody waits for what a key does.

By default that is every few keys, and now and then through all objects there are: 60 ms, most of it over modules and
style sheets that live as long as the program.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 10_000
"""Objects made since the last look at the youngest (Python's own: 700) after which one is due, as soon as a key's
effect has been painted: once in some fifty keys."""
MIDDLE: Final = 100
"""Looks at the youngest after which those that were found in use are looked at again: up to 50 ms."""
BOUND: Final = 20 * YOUNG
"""Objects after which Python looks by itself, whoever waits: only bounds memory while much is made without a key."""
OLD: Final = 1_000
"""All objects are looked at when nobody types; this only bounds memory where somebody never rests."""
ENOUGH: Final = 5
"""Looks at the youngest after which one at all of them pays."""


def postpone() -> None:
    """For the start: nothing that is made then is garbage."""
    gc.disable()


def settle() -> None:
    """What the start has made stays: it is never looked at again. From now on garbage is looked for."""
    gc.freeze()
    gc.set_threshold(BOUND, MIDDLE, OLD)
    gc.enable()


def between() -> None:
    """Between two keys: the time for a look that is due."""
    young, middle, _ = gc.get_count()
    if gc.isenabled() and young >= YOUNG:
        gc.collect(1 if middle >= MIDDLE else 0)


def rest() -> None:
    """Nobody types: the time to look at all objects, if there are new ones."""
    young, middle, old = gc.get_count()
    if gc.isenabled() and young // YOUNG + middle + MIDDLE * old >= ENOUGH:
        gc.collect()
