"""A screen that paints in one frame what changes together."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

from textual.screen import Screen
from textual.widget import Widget

R = TypeVar("R")

TURNS: Final = 4
"""Turns of the loop in which a message from a list in the body of a view reaches the view, which answers it."""


class GatheringScreen(Screen[R]):
    """Takes its parts' changes as they are made, and starts a frame when what follows from them has happened.

    In Textual each widget reports its change when its own queue is empty. The first report starts a frame, and what
    comes later waits for the next one, a sixtieth of a second on: a key's effects would be seen one after the other.
    """

    _gathering = False

    def gather(self, part: Widget) -> bool:
        """Has a part painted in the next frame; False where it has to report by itself."""
        if self not in self._compositor:
            return False
        self._dirty_widgets.add(part)
        if not self._gathering:
            self._gathering = True
            self._turn(TURNS)
        return True

    def _turn(self, left: int) -> None:
        if left:
            asyncio.get_running_loop().call_soon(self._turn, left - 1)
        else:
            self._gathering = False
            self.check_idle()
