"""Does what a line after `:` says, with the messages that keys and screens use too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.groups import find_group, groups_of
from sidekiq_tui.tui import between, saved_filters
from sidekiq_tui.tui.actions import APP, actions_of
from sidekiq_tui.tui.command_line import CommandAssistant
from sidekiq_tui.tui.command_parse import Typed, Words, first_word, nearest, parse_command
from sidekiq_tui.tui.memory import with_command
from sidekiq_tui.tui.messages import ActionChosen, GoTo, LookAt
from sidekiq_tui.tui.state import TIME_MODES, AppState
from sidekiq_tui.tui.theme import theme_names

if TYPE_CHECKING:
    from sidekiq_tui.tui.app import SqtuiApp
    from sidekiq_tui.tui.screens.base import ViewScreen

SIGN: Final = ":"


def ask_command(app: SqtuiApp, screen: ViewScreen) -> None:
    """Opens the command line on a screen."""
    state = app.app_state
    assistant = CommandAssistant(words_of(state), state.commands, ascii=state.ascii)
    screen.ask(SIGN, "", lambda text: _answered(app, screen, text), assistant=assistant)


def words_of(state: AppState) -> Words:
    """The names that exist now."""
    queues = [queue.name for one in state.in_scope.values() if one.overview for queue in one.overview.queues]
    groups = groups_of(one.profile for one in state.snapshots.values())
    return Words(
        servers=state.servers,
        groups=tuple(groups),
        queues=tuple(dict.fromkeys(queues)),
        filters=tuple(state.saved_filters),
        themes=tuple(theme_names()),
    )


def run_command(app: SqtuiApp, screen: ViewScreen, text: str) -> None:
    """Does what a line says, on the screen in front. Raises `SqtuiError` with what is wrong, in words."""
    typed = parse_command(text)
    if typed is None:
        return
    command, state = typed.command, app.app_state
    if command.name == "compare":
        _compare(app, typed.rest)
    elif command.view:
        app.post_message(GoTo(command.view, filter=typed.rest))
    elif command.name in TIME_MODES:
        app.show_times(command.name)
    elif command.name == "job":
        app.post_message(GoTo("search", everywhere=len(state.servers) > 1, job=typed.name))
    elif command.name == "queue":
        app.post_message(GoTo("queues", _queue_server(state, typed.name), filter=typed.rest, queue=typed.name))
    elif command.name == "server" and typed.name:
        app.post_message(LookAt(_server_called(state, typed.name)))
    elif command.name == "group":
        app.post_message(LookAt(None, _group_called(state, typed.name)))
    elif command.name == "theme":
        _choose_theme(app, typed.name)
    elif command.name == "evacuate":
        between.evacuate(screen, _only_server(state), typed.name)
    elif command.name == "sync":
        between.synchronise(screen, screen.subject(), typed.name)
    elif command.name in ("filter", "save", "unsave") and typed.name:
        _named_filter(screen, typed)
    else:
        _act(screen, typed)


def obey(app: SqtuiApp, screen: ViewScreen, text: str) -> None:
    """Does what a line says, or says on the screen what is wrong with it."""
    try:
        run_command(app, screen, text)
    except SqtuiError as error:
        screen.say(display_text("; ".join(part for part in (error.message, error.hint) if part)), "bad")


def _answered(app: SqtuiApp, screen: ViewScreen, text: str | None) -> None:
    line = (text or "").strip()
    if line:
        state = app.app_state
        state.typed.append(line)
        state.commands = with_command(state.commands, line)
        obey(app, screen, line)


def _act(screen: ViewScreen, typed: Typed) -> None:
    """The action that a command stands for, if the screen has it and it can work now."""
    wanted = typed.command.action.split()
    action = next((one for one in (*screen.available, *actions_of([APP])) if one.id in wanted), None)
    if action is None:
        raise UsageError(f"{typed.command.name} does nothing on this view")
    reason = screen.why_not(action)
    if reason:
        raise UsageError(reason)
    (screen.focused or screen).post_message(ActionChosen(action.id, typed.name))


def _choose_theme(app: SqtuiApp, name: str) -> None:
    names = theme_names()
    if name.casefold() not in names:
        raise UsageError(f"there is no theme {name}", hint=nearest(name, names))
    app.choose_theme(names[name.casefold()])


def _named_filter(screen: ViewScreen, typed: Typed) -> None:
    if typed.command.name == "filter":
        saved_filters.use(screen, typed.name)
    elif typed.command.name == "save":
        saved_filters.save(screen, typed.name)
    else:
        saved_filters.forget(screen, typed.name)


def _server_called(state: AppState, name: str) -> str:
    """The server of that name, in any case, or the only one that begins so."""
    folded = name.casefold()
    same = [server for server in state.servers if server.casefold() == folded]
    found = same or [server for server in state.servers if server.casefold().startswith(folded)]
    if name in state.servers or len(found) == 1:
        return name if name in state.servers else found[0]
    if found:
        raise UsageError(f"{name} could be {', '.join(found[:-1])} or {found[-1]}")
    raise UsageError(f"there is no server {name}", hint=nearest(name, state.servers))


def _only_server(state: AppState) -> str:
    """The server in view. Raises `UsageError` where all are."""
    if state.scope is None:
        raise UsageError("which server? Look at one first", hint="server NAME")
    return state.scope


def _compare(app: SqtuiApp, names: str) -> None:
    """Two servers by their names; of one, with the one in view; of none, as the view finds them."""
    state, wanted = app.app_state, []
    while names:
        name, names = first_word(names)
        wanted.append(_server_called(state, name))
    if len(wanted) > 2:
        raise UsageError("compare takes two servers")
    if len(wanted) == 1:
        wanted.insert(0, state.preferred)
    if len(wanted) == 2:
        if wanted[0] == wanted[1]:
            raise UsageError(f"{wanted[0]} is the same as itself")
        state.compared = (wanted[0], wanted[1])
    app.post_message(GoTo("compare"))


def _group_called(state: AppState, name: str) -> str:
    """The group of that name; all servers without one."""
    return find_group([one.profile for one in state.snapshots.values()], name) if name else ""


def _queue_server(state: AppState, queue: str) -> str | None:
    """The server to open a queue on: the one in view, or the only one that has it; None: several have it."""
    known = {name: one.overview for name, one in state.in_scope.items() if one.overview is not None}
    having = [name for name, overview in known.items() if any(one.name == queue for one in overview.queues)]
    if having:
        return having[0] if len(having) == 1 else None
    if known and not any(overview.denied.get("queues") for overview in known.values()):
        where = state.scope or "any server"
        names = [one.name for overview in known.values() for one in overview.queues]
        raise UsageError(f"there is no queue {queue} on {where}", hint=nearest(queue, names))
    return state.preferred
