"""The registry of actions: no key means two things, every key arrives, every action exists."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from sidekiq_tui.tui.actions import ACTIONS, APP, EVERYWHERE, GROUPS, bindings, find_action
from sidekiq_tui.tui.actions.dialogs import DIALOGS
from sidekiq_tui.tui.actions.job import JOB
from sidekiq_tui.tui.actions.jobs import INNER_TABS
from sidekiq_tui.tui.actions.lists import LIST
from sidekiq_tui.tui.actions.metrics import METRICS_CLASS
from sidekiq_tui.tui.actions.queue import QUEUE
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.keymap import LEADER, chord_key, deliverable
from sidekiq_tui.tui.modals.buckets import BucketsModal
from sidekiq_tui.tui.modals.choice import ChoiceModal
from sidekiq_tui.tui.modals.columns import ColumnChooser
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.modals.form import FormModal
from sidekiq_tui.tui.modals.help import HelpModal
from sidekiq_tui.tui.modals.outcomes import OutcomesModal
from sidekiq_tui.tui.modals.row_question import RowQuestion
from sidekiq_tui.tui.modals.server_picker import ServerPicker
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.screens.job import JobScreen
from sidekiq_tui.tui.screens.metrics_class import MetricsClassScreen
from sidekiq_tui.tui.screens.queue_about import QueueAbout
from sidekiq_tui.tui.screens.queue_jobs import QueueJobsScreen
from sidekiq_tui.tui.views import VIEWS, View
from sidekiq_tui.tui.widgets.document import Document
from sidekiq_tui.tui.widgets.record_table import RecordTable
from tests.support.key_table import key_table

VIEW_NAMES = [view.name for view in VIEWS]


def test_ids_are_unique() -> None:
    ids = [action.id for action in ACTIONS]
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_key_is_delivered_by_common_terminals(action: object) -> None:
    for known in ACTIONS:
        if known is action:
            assert all(deliverable(key) for key in known.keys)


def _scopes() -> list[tuple[str, ...]]:
    screens = [(*view.screen().scopes, EVERYWHERE, APP) for view in VIEWS]
    return [*screens, *((dialog, APP) for dialog in DIALOGS)]


@pytest.mark.parametrize("scopes", _scopes(), ids="-".join)
def test_no_key_means_two_things_in_one_place(scopes: tuple[str, ...]) -> None:
    keys = [key for action in ACTIONS if action.where in scopes for key in action.keys]
    assert sorted(keys) == sorted(set(keys))
    assert LEADER not in keys, "the leader begins chords and is no key of its own"


@pytest.mark.parametrize(
    ("key", "arrives"),
    [
        ("a", True),
        ("?", True),
        ("ctrl+r", True),
        ("shift+tab", True),
        ("f5", True),
        ("g d", True),
        ("ctrl+1", False),
        ("ctrl+i", False),
        ("ctrl+m", False),
        ("ctrl+shift+a", False),
        ("ctrl+s", False),
        ("ctrl+enter", False),
        ("alt+1", False),
        ("é", False),
        ("g escape", False),
    ],
)
def test_which_keys_arrive(key: str, arrives: bool) -> None:
    assert deliverable(key) is arrives


def _holders(where: str) -> list[type[object]]:
    views = {view.name: view.screen() for view in VIEWS}
    fixed: dict[str, list[type[object]]] = {
        APP: [SqtuiApp],
        EVERYWHERE: [ViewScreen],
        LIST: [RecordTable, Document],
        QUEUE: [QueueAbout],
        "help": [HelpModal],
        "picker": [ServerPicker],
        "chooser": [ColumnChooser],
        "buckets-dialog": [BucketsModal],
        "confirm": [ConfirmModal],
        "outcomes": [OutcomesModal],
        "row-question": [RowQuestion],
        "form": [FormModal],
        "choice": [ChoiceModal],
        INNER_TABS: [QueueJobsScreen, JobScreen],
        JOB: [JobScreen],
        METRICS_CLASS: [MetricsClassScreen],
    }
    users = [screen for screen in views.values() if where in screen.scopes]
    return fixed.get(where) or list(users)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_exists_where_its_key_works(action: object) -> None:
    record = next(known for known in ACTIONS if known is action)
    name = record.run.partition("(")[0]
    holders = [SqtuiApp] if name.startswith("app.") else _holders(record.where)
    assert holders, f"nothing has the scope {record.where}"
    for holder in holders:
        method = name.removeprefix("app.")
        assert hasattr(holder, f"action_{method}") or hasattr(holder, f"_action_{method}"), holder


def test_every_action_says_what_it_does() -> None:
    for action in ACTIONS:
        assert action.help
        assert action.label
        assert action.group in GROUPS


def test_the_registry_is_what_is_bound() -> None:
    bound = {binding.key for binding in bindings(EVERYWHERE)}  # type: ignore[union-attr]
    assert {"1", "9", "0", "@", "tab", "shift+tab", "?", "Z", "z", "q", "escape", "ctrl+r"} <= bound
    assert not any(chord_key(key) for key in bound)


def test_every_view_has_a_chord_of_its_own() -> None:
    chords = [view.chord for view in VIEWS if view.chord]
    assert len(set(chords)) == len(chords)
    assert [view.name for view in VIEWS if not view.chord] == ["trash"], "U goes there"
    for view in VIEWS:
        if not view.chord:
            continue
        assert find_action(f"go-{view.name}").keys == (f"g {view.chord}",)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_no_tab_is_a_stub(view: View) -> None:
    assert view.screen().view == view.name


def test_digits_and_letters_never_win_over_a_field() -> None:
    for scopes in itertools.chain(_scopes()):
        for binding in bindings(*scopes):
            if binding.priority:  # type: ignore[union-attr]
                assert "ctrl" in binding.key  # type: ignore[union-attr]


def test_the_readme_has_the_keys_as_they_are() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert key_table() in readme, key_table()


def test_the_table_of_keys_leaves_none_out() -> None:
    table = key_table()
    for action in ACTIONS:
        if action.where not in DIALOGS and not action.id.startswith(("server-", "go-")):
            assert f"| {action.help} | `{action.id}` |" in table
