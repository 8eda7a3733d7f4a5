"""What a list of jobs says around its rows."""

from __future__ import annotations

from sidekiq_tui.presentation.columns.base import Context, plain
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui.screens.job_words import Found, empty_notice, title_spans
from tests.support.tui import NOW, make_snapshot

RETRIES = Place("retry")


def title(found: Found, *, narrow: bool) -> str:
    return plain(tuple(title_spans(RETRIES, 71_500, found, server="", narrow=narrow)))


def notice(found: Found) -> str:
    return plain(empty_notice(RETRIES, make_snapshot("prod"), None, found, Context(now=NOW), NOW)[0])


def test_the_title_says_how_much_was_read_until_all_was() -> None:
    under_way = Found("class:A", matches=3, read=15_900, total=71_500)
    assert title(under_way, narrow=False) == "Retries 71.5k  filter class:A  3 match, 22% scanned"
    assert title(under_way, narrow=True) == "3 in 15.9k of 71.5k  / class:A"
    stopped = Found("class:A", matches=3, read=15_900, total=71_500, stopped=True)
    assert title(stopped, narrow=True) == "3 in 15.9k of 71.5k, stopped  / class:A"
    complete = Found("class:A", matches=3, read=71_500, total=71_500, complete=True)
    assert title(complete, narrow=True) == "3 of 71.5k  / class:A"


def test_no_match_does_not_pass_for_a_whole_list_when_the_reading_was_stopped() -> None:
    complete = Found("class:A", read=71_500, total=71_500, complete=True)
    assert notice(complete) == "Nothing matches class:A  71.5k read.  esc clears the filter"
    stopped = Found("class:A", read=15_900, total=71_500, stopped=True)
    assert notice(stopped) == "Nothing matches class:A  15.9k of 71.5k read, stopped.  esc clears the filter"


def test_a_list_that_was_only_read_for_a_filter_has_that_ones_size() -> None:
    found = Found("class:A", matches=3, read=300, total=300, complete=True)
    spans = title_spans(Place("queue", "mailers"), None, found, server="", narrow=False)
    assert plain(tuple(spans)) == "mailers 300  filter class:A  3 match, all read"
