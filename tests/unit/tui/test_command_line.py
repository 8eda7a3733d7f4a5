"""Help with typing a command: candidates, completion, and what was typed before."""

from __future__ import annotations

import pytest

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.command_line import CommandAssistant
from sidekiq_tui.tui.command_parse import Words

WORDS = Words(servers=("prod", "staging"), queues=("mailers", "default"), filters=("slow",), themes=("dark", "light"))
HISTORY = ("dead class:Foo", "queue mailers", "dead age>2h", "all")


@pytest.fixture
def assistant() -> CommandAssistant:
    return CommandAssistant(WORDS, HISTORY)


def _text(spans: object) -> str:
    return "".join(span.text for span in spans).strip()  # type: ignore[attr-defined]


def test_tab_goes_through_the_candidates_and_round(assistant: CommandAssistant) -> None:
    line = "de"
    seen = []
    for _ in range(3):
        line = assistant.complete(line, 1)
        seen.append(line)
    assert seen == ["dead", "delete", "dead"]
    assert assistant.complete(line, -1) == "delete"


def test_shift_tab_begins_at_the_last_one(assistant: CommandAssistant) -> None:
    assert assistant.complete("de", -1) == "delete"


def test_a_single_candidate_is_taken_and_the_next_tab_completes_what_follows(assistant: CommandAssistant) -> None:
    line = assistant.complete("queu", 1)
    assert line == "queues"
    line = assistant.complete("queue m", 1)
    assert line == "queue mailers "
    assert assistant.complete(line + "cl", 1) == "queue mailers class:"


def test_typing_on_begins_anew(assistant: CommandAssistant) -> None:
    assert assistant.complete("de", 1) == "dead"
    assert assistant.complete("del", 1) == "delete"


def test_without_candidates_the_line_stays(assistant: CommandAssistant) -> None:
    assert assistant.complete("xyzzy", 1) == "xyzzy"
    assert assistant.complete("dead class:Fo", 1) == "dead class:Fo"


def test_the_chosen_candidate_is_marked_and_the_others_stay(assistant: CommandAssistant) -> None:
    assert _text(assistant.hint("de", 30)) == "dead  delete"
    line = assistant.complete("de", 1)
    hint = assistant.hint(line, 30)
    assert _text(hint) == "dead  delete"
    assert Span("dead", "active") in hint
    assert Span("delete", "muted") in hint


def test_candidates_stand_still_on_pages(assistant: CommandAssistant) -> None:
    line, seen = "", []
    for _ in range(5):
        line = assistant.complete(line, 1)
        seen.append(_text(assistant.hint(line, 34)))
    assert seen[0] == "servers  dashboard  queues  ›"
    assert seen[:3] == [seen[0]] * 3
    assert seen[3] == seen[4] == "‹ retries  scheduled  dead  ›"


@pytest.mark.parametrize(
    ("line", "words", "role"),
    [
        ("dead", "go to Dead", "muted"),
        ("freeze", "freeze the screen, or let it go on", "muted"),
        ("ded", "did you mean dead?", "warn"),
        ("xyzzy", "no such command", "warn"),
        ("queue zzz", "no queue is called that", "warn"),
        ("save x", "a name for the filter in force", "muted"),
        ("job 12", "the ID of a job", "muted"),
        ("dead class:Foo", "", "muted"),
    ],
)
def test_what_may_follow_is_said(assistant: CommandAssistant, line: str, words: str, role: str) -> None:
    hint = [span for span in assistant.hint(line, 38) if span.text]
    assert _text(hint) == words
    assert all(span.role == role for span in hint)


def test_up_and_down_go_through_what_was_typed(assistant: CommandAssistant) -> None:
    assert assistant.recall("", -1) == "all"
    assert assistant.recall("all", -1) == "dead age>2h"
    assert assistant.recall("dead age>2h", 1) == "all"
    assert assistant.recall("all", 1) == ""
    assert assistant.recall("", 1) == ""


def test_up_keeps_to_lines_that_begin_as_this_one(assistant: CommandAssistant) -> None:
    line = assistant.recall("dead", -1)
    assert line == "dead age>2h"
    line = assistant.recall(line, -1)
    assert line == "dead class:Foo"
    assert assistant.recall(line, -1) == "dead class:Foo"
    assert assistant.recall(assistant.recall(line, 1), 1) == "dead"


def test_what_was_recalled_and_changed_is_a_new_beginning(assistant: CommandAssistant) -> None:
    assistant.recall("", -1)
    assert assistant.recall("dead c", -1) == "dead class:Foo"


def test_ascii_has_signs_of_its_own() -> None:
    hint = CommandAssistant(WORDS, (), ascii=True).hint("", 30)
    assert _text(hint).isascii()
