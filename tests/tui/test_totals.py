"""The second line: sums of a scope in slots that stay where they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.servers.health import Reason
from sidekiq_tui.servers.series import Rates
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.tui.widgets.totals import Totals, totals_of, totals_spans
from tests.support.tui import make_overview, make_queue, make_snapshot, offline

USUAL = Totals(812.0, 3.1, 118, 150, 4211, 42.0, "strong", 932, 41, 12_100)


def line(totals: Totals, width: int) -> str:
    return "".join(span.text for span in totals_spans(totals, width))


def test_words_in_full_on_a_wide_terminal() -> None:
    assert line(USUAL, 120).rstrip() == (
        " processed 812/s    failed 3.1/s  busy 118/150  enqueued 4,211  worst 42s    "
        "retries 932    dead 41     scheduled 12.1k"
    )


def test_short_words_under_110_columns() -> None:
    assert line(USUAL, 80).rstrip() == (" proc 812/s   fail 3.1/s busy 118/150 enq 4,211 lat 42s   retry 932   dead 41")


def test_sixty_columns_keep_the_first_five() -> None:
    assert line(USUAL, 60).split() == [
        "proc",
        "812/s",
        "fail",
        "3.1/s",
        "busy",
        "118/150",
        "enq",
        "4,211",
        "lat",
        "42s",
    ]


@pytest.mark.parametrize("width", [60, 78, 80, 100, 110, 120, 160])
@pytest.mark.parametrize(
    "totals",
    [
        USUAL,
        Totals(),
        Totals(0.0, 0.0, 0, 0, 0, 0.0, "strong", 0, 0, 0),
        Totals(12_345.0, 9_999.0, 123_456, 999_999, 10**12, 10.0**7, "strong", 10**9, 10**6, 10**6),
    ],
)
def test_whatever_the_numbers_the_labels_stay(width: int, totals: Totals) -> None:
    def places(text: str) -> list[int]:
        words = [f" {word} " for word in ("proc", "processed", "busy", "lat", "worst")]
        return [text.index(word) for word in words if word in text]

    assert places(line(totals, width)) == places(line(USUAL, width))
    assert cell_width(line(totals, width).rstrip()) <= width


def test_what_is_unknown_is_a_dash_and_never_zero() -> None:
    assert line(Totals(), 120).split()[:4] == ["processed", "–", "failed", "–"]


def test_all_servers_are_added_up_without_those_that_are_away() -> None:
    one = make_snapshot("one", overview=make_overview(make_queue(size=10, latency=5.0), dead=1, retries=None))
    two = make_snapshot("two", overview=make_overview(make_queue(size=4, latency=9.0), dead=2), rates=Rates(1.0, None))
    totals = totals_of([one, two, offline("gone", SidekiqError("refused"))])
    assert (totals.enqueued, totals.dead, totals.retries, totals.worst) == (14, 3, 3, 9.0)
    assert (totals.processed, totals.failed) == (813.0, 3.1)


def test_one_server_that_is_away_keeps_its_last_numbers_but_no_rates() -> None:
    totals = totals_of([offline("gone", SidekiqError("refused"))])
    assert totals.processed is None
    assert totals.failed is None
    assert totals.dead == 7


def test_nothing_known_is_unknown() -> None:
    assert totals_of([make_snapshot("new", "connecting")]) == Totals()


def test_the_worst_latency_wears_the_colour_of_its_reason() -> None:
    late = make_overview(make_queue("mailers", size=3, latency=900.0))
    snapshot = make_snapshot("one", "bad", overview=late, reasons=[Reason("bad", "mailers", "15m late")])
    assert totals_of([snapshot]).worst_role == "bad strong"
    assert totals_of([make_snapshot("two", overview=late)]).worst_role == "strong"


def test_where_queues_cannot_be_read_nobody_knows_how_long_jobs_wait() -> None:
    overview = replace(make_overview(), queues=(), denied={"queues": "this user may not run SSCAN here (NOPERM)"})
    assert totals_of([make_snapshot("prod", overview=overview)]).worst is None
    assert totals_of([make_snapshot("prod", overview=make_overview(make_queue()))]).worst == 0.0
