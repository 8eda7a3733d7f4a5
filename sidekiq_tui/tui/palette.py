"""The palette (ctrl+p): every action of the screen, every server and theme, found by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui.actions.action import MOVE
from sidekiq_tui.tui.messages import ActionChosen, LookAt
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.theme import THEME_WORDS

_HIDDEN: Final = frozenset({"palette"})

Entry = tuple[str, str, IgnoreReturnCallbackType]


class ActionCommands(Provider):
    """Commands made from the registry of actions; what cannot work now is not offered."""

    def _entries(self) -> Iterator[Entry]:
        screen = self.screen
        if not isinstance(screen, ViewScreen):
            return
        for action in screen.available:
            if action.group == MOVE or action.id in _HIDDEN or action.id.startswith("server-"):
                continue
            if screen.reason_against(action) is None:
                target = screen.focused or screen
                yield action.help, action.keys_text, partial(target.post_message, ActionChosen(action.id))
        for name in screen.app_state.servers:
            yield f"server {display_text(name)}", "", partial(self.app.post_message, LookAt(name))
        for name, words in THEME_WORDS.items():
            yield f"theme: {words}", "", partial(setattr, self.app, "theme", name)

    async def discover(self) -> Hits:
        """Everything, before a word is typed."""
        for text, keys, command in self._entries():
            yield DiscoveryHit(Content(text), command, text, keys or None)

    async def search(self, query: str) -> Hits:
        """What matches the words typed."""
        matcher = self.matcher(query)
        for text, keys, command in self._entries():
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, Content(text), command, text, keys or None)
