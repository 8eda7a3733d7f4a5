"""What the words of a command line mean."""

from __future__ import annotations

import argparse

import pytest

from sidekiq_tui.cli.main import commands
from sidekiq_tui.cli.parser import build_parser, mark_exclusions, parse
from sidekiq_tui.errors import UsageError


def parsed(*argv: str) -> argparse.Namespace:
    return parse(build_parser(commands()), argv)


def test_global_options_stand_before_or_after_the_view() -> None:
    before = vars(parsed("--server", "prod", "-o", "json", "--timeout", "2", "dashboard"))
    after = vars(parsed("dashboard", "--server", "prod", "-o", "json", "--timeout", "2"))
    assert before == after
    assert before["server"] == ["prod"]
    assert before["output"] == "json"
    assert before["timeout"] == 2.0


def test_the_same_option_on_both_sides_adds_up_if_repeatable_and_else_the_last_one_counts() -> None:
    args = parsed("--server", "a", "--url", "redis://x", "-o", "csv", "queues", "--server", "b", "-o", "json")
    assert args.server == ["a", "b"]
    assert args.url == ["redis://x"]
    assert args.output == "json"


def test_no_view_is_the_terminal_ui() -> None:
    args = parsed("--server", "prod", "--no-mouse")
    assert args.view is None
    assert args.server == ["prod"]
    assert args.mouse is False


@pytest.mark.parametrize(
    ("argv", "words", "limit"),
    [
        (("retries", "class:Foo", "-Bar", "--limit", "5"), ["class:Foo", "!Bar"], 5),
        (("retries", "--limit", "5", "class:Foo", "-Bar"), ["class:Foo", "!Bar"], 5),
        (("retries", "-Bar", "--limit", "5", "class:Foo"), ["class:Foo", "!Bar"], 5),
        (("--limit", "5", "retries"), None, None),
        (("retries", "!Bar", "-other", "-hello", "-class:Foo"), ["!Bar", "!other", "!hello", "!class:Foo"], 25),
        (("retries", "--", "-Bar", "--limit"), ["!Bar", "--limit"], 25),
        (("dead", "-ojson", "x", "--limit=all"), ["x"], None),
        (("queue", "mailers", "--limit", "1", "Foo"), ["Foo"], 1),
        (("queue", "--limit", "1", "mailers", "Foo", "-x"), ["Foo", "!x"], 1),
    ],
)
def test_filter_words_stand_anywhere_after_the_view(
    argv: tuple[str, ...], words: list[str] | None, limit: int | None
) -> None:
    if words is None:
        with pytest.raises(UsageError):
            parsed(*argv)
        return
    args = parsed(*argv)
    assert sorted(args.words) == sorted(words)
    assert args.limit == limit


def test_a_queue_keeps_its_name_apart_from_the_filter() -> None:
    args = parsed("queue", "reports:weekly-2.0", "class:Foo")
    assert args.queue == "reports:weekly-2.0"
    assert args.words == ["class:Foo"]


@pytest.mark.parametrize("word", ["-o", "-h", "-ojson", "-o=csv", "--limit", "-5", "-", "--", "plain", "a-b", ""])
def test_what_is_no_exclusion(word: str) -> None:
    assert mark_exclusions(word) == word


@pytest.mark.parametrize("word", ["-Foo", "-other", "-ojsonx", "-hello", "-class:A b", "-x\ny"])
def test_what_is_an_exclusion(word: str) -> None:
    assert mark_exclusions(word) == "!" + word[1:]


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (("dashbord",), "no such view or command: dashbord", "did you mean dashboard?"),
        (("retires",), "no such view or command: retires", "did you mean retries?"),
        (("zzz",), "no such view or command: zzz", "see: sqtui --help"),
        (("dashboard", "--sever", "x"), "unknown option: --sever", "did you mean --server?"),
        (("--sever", "x", "dashboard"), "no such view or command: x", "see: sqtui --help"),
        (("retries", "--limt", "5"), "unknown option: --limt", "did you mean --limit?"),
        (("dashboard", "-o", "jsn"), "-o/--output: no such value: jsn", "did you mean json?"),
        (("dashboard", "extra"), "unknown word: extra", "see: sqtui dashboard --help"),
        (("dashboard", "-Foo"), "unknown option: -Foo", "see: sqtui dashboard --help"),
        (("dashboard", "--password", "x"), "unknown option: --password", "see: sqtui dashboard --help"),
    ],
)
def test_wrong_words_are_named_with_the_nearest_right_one(argv: tuple[str, ...], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(*argv)
    assert caught.value.message == message
    assert caught.value.hint == hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "argv",
    [
        ("queue",),
        ("job",),
        ("retries", "--limit", "-1"),
        ("retries", "--limit", "many"),
        ("retries", "--offset", "1.5"),
        ("dashboard", "--watch", "0"),
        ("dashboard", "--watch", "nan"),
        ("dashboard", "--timeout", "inf"),
        ("dashboard", "--server"),
        ("completion",),
        ("check", "--max-latency", "soon"),
        ("check", "--max-dead", "1k"),
        ("job", "jid", "--watch", "1"),
        ("search", "x", "--watch", "1"),
        ("delete",),
        ("move", "dead"),
        ("retry", "dead", "--rate", "0"),
        ("retry", "dead", "--rate", "fast"),
        ("reset-stats", "busy"),
        ("pause",),
        ("audit", "erase"),
        ("audit", "--url", "redis://x"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(argv: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        parsed(*argv)


def test_every_view_takes_the_global_options() -> None:
    parser = build_parser(commands())
    lists = ("queues", "queue", "retries", "scheduled", "dead", "job", "workers", "metrics")
    for view in ("servers", "dashboard", *lists, "check"):
        options = parser.children()[view].options()
        assert {"--server", "--all", "--url", "--config", "-o", "--output", "--timeout", "--no-input"} <= set(options)


# The words that each command needs besides its options.
LEAVES: dict[tuple[str, ...], tuple[str, ...]] = {
    **{("servers",): (), ("dashboard",): (), ("queues",): (), ("workers",): (), ("queue",): ("q",), ("retries",): ()},
    **{("scheduled",): (), ("dead",): (), ("job",): ("jid",), ("check",): (), ("demo",): (), ("completion",): ("zsh",)},
    **{("search",): ("x",), ("metrics",): (), ("errors",): (), ("compare",): ("prod", "staging")},
    **{("timeline",): ()},
    **{(name,): ("dead",) for name in ("retry", "enqueue", "delete", "copy", "clear")},
    **{("kill",): ("retries",), ("reschedule",): ("retries",), ("edit",): ("dead",), ("front",): ("queue", "q")},
    **{("move",): ("dead", "--to", "low"), ("pause",): ("q",), ("unpause",): ("q",), ("cancel",): ("jid",)},
    **{(name,): ("all",) for name in ("quiet", "stop", "dump", "prune")},
    **{("evacuate",): ("--to", "staging"), ("sync",): ("dead", "--to", "staging")},
    **{("reset-stats",): (), ("delete-profile",): ("key",)},
    **{("push",): ("Foo",), ("import",): ("f",), ("export",): ("dead",)},
    **{("undo",): (), ("trash",): (), ("resume",): (), ("audit",): (), ("journal",): ("purge",)},
    **{("profile", name): ("x",) for name in ("show", "add", "remove", "set-password", "edit", "test")},
    **{("profile", name): () for name in ("list", "path")},
}
GLOBAL = {
    "server": ("--server", "prod"),
    "group": ("--group", "shop"),
    "url": ("--url", "redis://x"),
    "all": ("--all",),
    "output": ("-o", "json"),
    "config": ("--config", "/f.toml"),
    "no_input": ("--no-input",),
    "timeout": ("--timeout", "2"),
    "debug": ("--debug",),
}


def test_every_command_is_listed_here() -> None:
    everything = build_parser(commands())
    leaves: set[tuple[str, ...]] = set()
    for name, parser in everything.children().items():
        leaves |= {(name, inner) for inner in parser.children()} or {(name,)}
    assert leaves - {("__complete",)} == set(LEAVES)


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("dest", GLOBAL)
def test_an_option_means_the_same_before_and_after_every_command(leaf: tuple[str, ...], dest: str) -> None:
    option = GLOBAL[dest]
    try:
        after = parsed(*leaf, *LEAVES[leaf], *option)
    except UsageError:
        if dest in ("server", "group", "url", "all", "output"):
            with pytest.raises(UsageError):  # what a command does not take, it does not ignore either
                parsed(*option, *leaf, *LEAVES[leaf])
        return
    if leaf[1:] in (("add",), ("edit",)) and dest in ("url", "group"):
        return  # there it is a key of the profile
    assert vars(parsed(*option, *leaf, *LEAVES[leaf])) == vars(after)


def test_no_option_takes_a_password() -> None:
    for parser in build_parser(commands()).family():
        assert not [option for option in parser.options() if option == "--password"]


def test_help_is_ascii_and_fits_the_terminal() -> None:
    everything = build_parser(commands())
    assert "__complete" not in everything.format_help()
    for parser in everything.family():
        text = parser.format_help()
        assert text.isascii()
        assert max(map(len, text.splitlines())) <= 120
