"""The command line's grammar: what a line means, what is wrong with it, what could stand at its end."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.errors import UsageError
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.filter_terms import FieldTerm
from sidekiq_tui.tui.command_parse import Completion, Words, complete, find_command, parse_command, quoted
from sidekiq_tui.tui.command_words import COMMANDS
from sidekiq_tui.tui.views import VIEWS

WORDS = Words(
    servers=("prod", "staging", "shop-eu"),
    queues=("mailers", "default", "my queue", "bad\x1b[2J", 'quo"te', 'quo"te and blank', "a,b", "back\\slash"),
    filters=("slow", "timeouts", 'a"b', '"c"'),
    themes=("dark", "light", "nord"),
)


def test_no_word_means_two_things() -> None:
    words = [word for command in COMMANDS for word in command.words]
    assert sorted(words) == sorted(set(words))


def test_every_view_is_a_command() -> None:
    assert {command.view for command in COMMANDS} - {""} == {view.name for view in VIEWS}


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        ("dead", "dead", ""),
        ("  dead  class:Foo   age>2h ", "dead", "class:Foo   age>2h"),
        ("DEAD class:Foo", "dead", "class:Foo"),
        ("retri", "retries", ""),
        ("sea error:Timeout", "search", "error:Timeout"),
        ("queues", "queues", ""),
        ("batches", "extras", ""),
        ("q", "quit", ""),
        ("w", "workers", ""),
        ("utc", "utc", ""),
    ],
)
def test_words_and_their_beginnings(line: str, name: str, rest: str) -> None:
    typed = parse_command(line)
    assert typed is not None
    assert (typed.command.name, typed.rest, typed.name) == (name, rest, "")


@pytest.mark.parametrize(
    ("line", "command", "name", "rest"),
    [
        ("queue mailers", "queue", "mailers", ""),
        ("queue mailers class:Foo age>2h", "queue", "mailers", "class:Foo age>2h"),
        ('queue "my queue" Foo', "queue", "my queue", "Foo"),
        ('queue "my queue', "queue", "my queue", ""),
        ("s staging", "server", "staging", ""),
        ("server", "server", "", ""),
        ("theme nord", "theme", "nord", ""),
        ("filter slow", "filter", "slow", ""),
        ("filter", "filter", "", ""),
        ("save slow", "save", "slow", ""),
        ("job e5d1f0a92b7c4410af3391d2", "job", "e5d1f0a92b7c4410af3391d2", ""),
    ],
)
def test_words_with_a_name(line: str, command: str, name: str, rest: str) -> None:
    typed = parse_command(line)
    assert typed is not None
    assert (typed.command.name, typed.name, typed.rest) == (command, name, rest)


@pytest.mark.parametrize("line", ["", "   ", "\t"])
def test_a_blank_line_is_nothing(line: str) -> None:
    assert parse_command(line) is None


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("ded", "there is no command ded", "did you mean dead?"),
        ("retires", "there is no command retires", "did you mean retries?"),
        ("xyzzy", "there is no command xyzzy", ""),
        ("de", "de could be dead or delete", ""),
        ("se x", "se could be servers, search or server", ""),
        ("queue", "queue needs the name of a queue", ""),
        ("job", "job needs a JID", ""),
        ("theme", "theme needs the name of a theme", ""),
        ("quit now", "nothing follows quit", ""),
        ("dashboard class:Foo", "nothing follows dashboard", ""),
        ("server a b", "server takes no more than one word", ""),
    ],
)
def test_what_is_wrong_is_said(line: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_command(line)
    assert (error.value.message, error.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("line", "head", "candidates", "tail"),
    [
        ("de", "", ("dead", "delete"), ""),
        ("dea", "", ("dead",), " "),
        ("DEA", "", ("dead",), " "),
        ("batch", "", ("batches",), " "),
        ("dead class:Foo -qu", "dead class:Foo -", ("queue:",), ""),
        ("dead queue:ma", "dead queue:", ("mailers",), ""),
        ("dead -queue:default,m", "dead -queue:default,", ("mailers", '"my queue"'), ""),
        ("dead server:s", "dead server:", ("staging", "shop-eu"), ""),
        ("dead class:F", "dead class:", (), ""),
        ("queue m", "queue ", ("mailers", '"my queue"'), " "),
        ("queue aul", "queue ", ("default",), " "),
        ('queue "my', "queue ", ('"my queue"',), " "),
        ('queue "my queue" cl', 'queue "my queue" ', ("class:",), ""),
        ("s st", "s ", ("staging",), ""),
        ("theme ", "theme ", ("dark", "light", "nord"), ""),
        ("unsave t", "unsave ", ("timeouts",), ""),
        ('unsave a"', "unsave ", ('a"b',), ""),
        ("dead queue:a", "dead queue:", ('"a,b"',), ""),
        ('dead queue:"a,', "dead queue:", ('"a,b"',), ""),
        ("save s", "save ", (), ""),
        ("help ", "help ", (), ""),
        ("nonsense x", "", (), ""),
    ],
)
def test_candidates(line: str, head: str, candidates: tuple[str, ...], tail: str) -> None:
    assert complete(line, WORDS) == Completion(head, candidates, tail)


def test_the_empty_line_offers_every_word() -> None:
    assert complete("", WORDS).candidates == tuple(command.name for command in COMMANDS)


def test_a_candidate_makes_a_whole_line() -> None:
    assert complete("dead queue:m", WORDS).line(1) == 'dead queue:"my queue"'
    assert complete("dea", WORDS).line(0) == "dead "


def test_names_that_could_not_be_typed_are_not_offered() -> None:
    offered = complete("queue ", WORDS).candidates
    assert all(name.isprintable() for name in offered)
    assert offered == ("mailers", "default", '"my queue"', 'quo"te', "a,b", "back\\slash")


def test_every_name_offered_is_understood_as_that_name() -> None:
    for line, known in (("queue ", WORDS.queues), ("filter ", WORDS.filters)):
        found = complete(line, WORDS)
        typed = [parse_command(found.line(index)) for index in range(len(found.candidates))]
        names = [one.name for one in typed if one is not None]
        assert names == [name for name in known if name in names]
        assert len(names) == len(found.candidates) >= 3


def test_every_name_offered_in_a_filter_reads_as_that_name() -> None:
    found = complete("dead queue:", WORDS)
    read = [parse_filter(found.line(index).removeprefix("dead ")).terms for index in range(len(found.candidates))]
    assert read == [(FieldTerm("queue", (name,)),) for name in WORDS.queues if name.isprintable()]


@given(st.text(max_size=60))
def test_any_line_is_understood_or_refused_in_words(line: str) -> None:
    complete(line, WORDS)
    with contextlib.suppress(UsageError):
        parse_command(line)


@given(st.sampled_from(COMMANDS), st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=20))
def test_a_completed_line_is_understood_as_completed(command: object, part: str) -> None:
    name = next(one.name for one in COMMANDS if one is command)
    found = complete(f"{name} {part}", WORDS)
    for index in range(len(found.candidates)):
        assert find_command(found.line(index).split(" ")[0]).name == name


def test_quotes_only_where_they_must_be() -> None:
    assert quoted("mailers") == "mailers"
    assert quoted("my queue") == '"my queue"'


def test_the_grammar_knows_no_widgets() -> None:
    code = "import sys, sidekiq_tui.tui.command_parse as p; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
