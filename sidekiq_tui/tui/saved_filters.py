"""Filters with a name: using, saving and forgetting them, from keys and from the command line."""

from __future__ import annotations

from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui.command_parse import nearest
from sidekiq_tui.tui.modals.filter_picker import FilterPicker
from sidekiq_tui.tui.screens.base import ViewScreen


def pick(screen: ViewScreen) -> None:
    """Asks which one to use."""
    state = screen.app_state
    if not state.saved_filters:
        screen.say("no filter is saved yet: F saves the one in force", "muted")
        return

    def picked(name: str | None) -> None:
        if name is not None:
            use(screen, name)

    screen.app.push_screen(FilterPicker(state.saved_filters.items(), ascii=state.ascii), picked)


def ask_name(screen: ViewScreen) -> None:
    """Asks what to call the filter in force."""
    if not screen.filter_text:
        screen.say("there is no filter to save: / sets one", "muted")
        return

    def answered(name: str | None) -> None:
        if name is None or not name.strip():
            return
        try:
            save(screen, name.strip())
        except SqtuiError as error:
            screen.say(display_text("; ".join(part for part in (error.message, error.hint) if part)), "bad")

    words = display_text(screen.filter_text)
    screen.ask("F", "", answered, (Span("a name for ", "muted"), Span(words, "accent")))


def use(screen: ViewScreen, name: str) -> None:
    """Filters the screen by a saved filter. Raises `UsageError`."""
    saved = screen.app_state.saved_filters
    if name not in saved:
        raise UsageError(f"no filter is saved as {name}", hint=nearest(name, saved))
    filter_screen(screen, saved[name])


def filter_screen(screen: ViewScreen, text: str) -> None:
    """Filters a screen as if somebody had typed it; says so where there is nothing to filter."""
    if type(screen).apply_filter is ViewScreen.apply_filter:
        screen.say(f"{display_text(screen.crumb)} has no filter", "muted")
    else:
        screen.apply_filter(text)


def save(screen: ViewScreen, name: str) -> None:
    """Saves the filter in force in the settings file. Raises `UsageError` or `ConfigError`."""
    from sidekiq_tui.servers.settings_edit import save_filter

    state, text = screen.app_state, screen.filter_text
    if not text:
        raise UsageError("there is no filter to save", hint="/ sets one")
    if state.config is None:
        raise UsageError("there is no settings file to save it in")
    save_filter(state.config, name, text)
    state.saved_filters = {**state.saved_filters, name: text}
    screen.say(f"saved as {display_text(name)}; f uses it again", "ok")


def forget(screen: ViewScreen, name: str) -> None:
    """Removes a saved filter from the settings file. Raises `UsageError` or `ConfigError`."""
    from sidekiq_tui.servers.settings_edit import remove_filter

    state = screen.app_state
    if name not in state.saved_filters:
        raise UsageError(f"no filter is saved as {name}", hint=nearest(name, state.saved_filters))
    if state.config is not None:
        remove_filter(state.config, name)
    state.saved_filters = {key: text for key, text in state.saved_filters.items() if key != name}
    screen.say(f"{display_text(name)} is forgotten", "muted")
