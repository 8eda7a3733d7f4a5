"""The palette (ctrl+p): every action of the screen and every command, with the names that exist, found by words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui.actions import APP, actions_of
from sidekiq_tui.tui.actions.action import MOVE, with_keys
from sidekiq_tui.tui.command_parse import quoted
from sidekiq_tui.tui.command_run import SIGN, words_of
from sidekiq_tui.tui.command_words import COMMANDS, Command
from sidekiq_tui.tui.messages import ActionChosen, CommandChosen
from sidekiq_tui.tui.screens.base import ViewScreen

_HIDDEN: Final = frozenset({"palette"})
_MOST_QUEUES: Final = 50
"""More would hide the commands."""

Entry = tuple[str, str, IgnoreReturnCallbackType]


class ActionCommands(Provider):
    """Made from the registries of actions and commands; what cannot work now is not offered."""

    def _entries(self) -> Iterator[Entry]:
        screen = self.screen
        if not isinstance(screen, ViewScreen):
            return
        yield from _actions(screen)
        for text in _lines(screen):
            words = text.partition(" ")
            yield _described(*words), f"{SIGN}{display_text(text)}", partial(self._run, text)

    def _run(self, text: str) -> None:
        self.app.post_message(CommandChosen(text))

    async def discover(self) -> Hits:
        """Everything, before a word is typed."""
        for text, keys, command in self._entries():
            yield DiscoveryHit(_shown(text, keys), command, text)

    async def search(self, query: str) -> Hits:
        """What matches the words typed."""
        matcher = self.matcher(query)
        for text, keys, command in self._entries():
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, _shown(text, keys), command, text)


def _shown(text: str, keys: str) -> Content:
    """Both on one line. Textual would read the `help` of a hit as markup, and a name may look like it."""
    return Content.assemble(text, (f"  {keys}", "dim")) if keys else Content(text)


def _actions(screen: ViewScreen) -> Iterator[Entry]:
    for action in (*screen.available, *with_keys(actions_of([APP]), screen.app_state.keys)):
        if action.group == MOVE or action.id in _HIDDEN or action.id.startswith("server-"):
            continue
        if screen.why_not(action) is None:
            target = screen.focused or screen
            yield action.help, action.keys_text, partial(target.post_message, ActionChosen(action.id))


def _lines(screen: ViewScreen) -> Iterator[str]:
    """Whole command lines: words that nothing need follow, and the others with each name that they take."""
    words = words_of(screen.app_state)
    names = {
        "server": words.servers,
        "queue": words.queues[:_MOST_QUEUES],
        "theme": words.themes,
        "saved": words.filters,
    }
    for command in COMMANDS:
        if command.argument in names:
            yield from (f"{command.name} {quoted(name)}" for name in names[command.argument] if name.isprintable())
        elif not command.action and not command.view and not command.needed:
            yield command.name


def _described(word: str, _: str, name: str) -> str:
    command: Command = next(one for one in COMMANDS if one.name == word)
    return f"{word} {display_text(name)}" if name else command.help
