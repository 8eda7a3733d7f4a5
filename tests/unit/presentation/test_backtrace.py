"""Backtraces of real Ruby processes: whose frames they are, how they read, what folds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sidekiq_tui.presentation.backtrace import backtrace_lines, frames, own_count, owner, short_place
from sidekiq_tui.presentation.columns.base import plain
from sidekiq_tui.presentation.json_view import Folds
from tests.support.dumps import VERSIONS
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS

BUNDLE = "/usr/local/bundle/ruby/3.4.0/gems"
TRACE = [
    "app/services/payments/acquirer.rb:88:in 'post!'",
    f"{BUNDLE}/faraday-2.9.0/lib/faraday/connection.rb:279:in 'Faraday::Connection#post'",
    f"{BUNDLE}/net-http-0.6.0/lib/net/http.rb:1532:in 'block in connect'",
    "/usr/local/lib/ruby/3.4.0/net/protocol.rb:229:in 'Net::BufferedIO#rbuf_fill'",
    "app/jobs/invoice/charge_job.rb:17:in 'Invoice::ChargeJob#perform'",
    *[f"{BUNDLE}/sidekiq-8.1.7/lib/sidekiq/processor.rb:{line}:in 'execute_job'" for line in range(180, 190)],
    f"{BUNDLE}/activesupport-8.0.1/lib/active_support/reloader.rb:77:in 'wrap'",
    "<internal:kernel>:187:in 'loop'",
]


def shown(trace: list[str], folds: Folds | None = None, width: int = 76) -> list[str]:
    return [plain(line.cell).rstrip() for line in backtrace_lines(trace, width, folds or Folds(), ("trace",))]


def test_own_frames_have_a_bar_and_long_runs_of_others_fold() -> None:
    assert shown(TRACE) == [
        " │ app/services/payments/acquirer.rb:88 in 'post!'",
        "   gems/faraday-2.9.0/lib/faraday/connection.rb:279 in 'Faraday::Connection#",
        "     post'",
        "   gems/net-http-0.6.0/lib/net/http.rb:1532 in 'block in connect'",
        "   ruby/3.4.0/net/protocol.rb:229 in 'Net::BufferedIO#rbuf_fill'",
        " │ app/jobs/invoice/charge_job.rb:17 in 'Invoice::ChargeJob#perform'",
        "   12 frames of sidekiq-8.1.7, activesupport-8.0.1, ruby  ▸",
    ]


def test_own_frames_are_bold_and_others_muted() -> None:
    own, gem = list(backtrace_lines(TRACE[:2], 120, Folds(), ()))
    assert [role for _, role in own.cell][-2:] == ["strong", "text"]
    assert {role for text, role in gem.cell if text.strip()} == {"muted"}


def test_a_folded_run_opens_and_closes() -> None:
    folds = Folds()
    *_, line = backtrace_lines(TRACE, 76, folds, ("trace",))
    folds.toggle(line)
    opened = shown(TRACE, folds)
    assert opened[-1] == "   <internal:kernel>:187 in 'loop'"
    assert len(opened) == 7 + 12
    folds.toggle(next(line for line in backtrace_lines(TRACE, 76, folds, ("trace",)) if line.is_open))
    assert shown(TRACE, folds) == shown(TRACE)


def test_where_nothing_is_the_applications_own_nothing_folds() -> None:
    assert len(shown(TRACE[5:])) == 12


def test_equal_lines_are_one() -> None:
    assert shown(["app/a.rb:68:in `dive'"] * 31 + ["app/a.rb:70:in `perform'"]) == [
        " │ app/a.rb:68 in `dive'  ×31",
        " │ app/a.rb:70 in `perform'",
    ]


@pytest.mark.parametrize(
    ("place", "short", "whose"),
    [
        (f"{BUNDLE}/rack-3.1.0/lib/rack.rb:1", "gems/rack-3.1.0/lib/rack.rb:1", "rack-3.1.0"),
        ("/x/bundler/gems/foo-abc/lib/foo.rb:2", "gems/foo-abc/lib/foo.rb:2", "foo-abc"),
        ("/opt/rubies/lib/ruby/3.3.0/set.rb:9", "ruby/3.3.0/set.rb:9", "ruby"),
        ("activerecord (7.1.3) lib/active_record.rb:3", "activerecord (7.1.3) lib/active_record.rb:3", None),
        ("<internal:array>:42", "<internal:array>:42", "ruby"),
        ("app/models/order.rb:1", "app/models/order.rb:1", "app"),
    ],
)
def test_what_is_said_of_a_path(place: str, short: str, whose: str | None) -> None:
    assert short_place(place) == short
    assert owner(place) == (whose or "activerecord-7.1.3")


@pytest.mark.parametrize("version", VERSIONS)
def test_traces_recorded_from_ruby(version: str, expected: Callable[[str], dict[str, Any]]) -> None:
    entries = expected(version)["retry"]["each_highest_score_first"]
    traces = [entry["error_backtrace"] for entry in entries if isinstance(entry.get("error_backtrace"), list)]
    assert traces
    for trace in traces:
        own = [line for line in trace if line.startswith("/lab/scripts/")]
        assert own_count(trace) == len(own)
        everything = Folds()
        for _ in range(20):
            folded = [
                line
                for line in backtrace_lines(trace, 300, everything, ("trace",))
                if line.fold is not None and not line.is_open
            ]
            if not folded:
                break
            everything.toggle(folded[0])
        text = "\n".join(shown(trace, everything, 300))
        for line in trace:
            place, _, method = line.partition(":in ")
            assert short_place(place) in text or place in text
            assert method in text


@pytest.mark.parametrize("width", [20, 76])
def test_any_line_is_safe(width: int) -> None:
    trace = [*HOSTILE_TEXTS, "", ":", ":in ''", "x" * 100_000, "a.rb:1:in " + "y" * 5000, "漢" * 90 + ":1:in '漢'"]
    for line in shown(trace, width=width):
        assert CONTROL_PATTERN.search(line) is None
    assert sum(frame.times for frame in frames(trace)) == len(trace)


def test_an_endless_trace_shows_a_page() -> None:
    folds = Folds()
    trace = [f"app/a.rb:{line}:in 'x'" for line in range(5000)]
    made = list(backtrace_lines(trace, 76, folds, ("trace",)))
    assert plain(made[-1].cell) == "   … 4,000 lines more  ▸"
    folds.toggle(made[-1])
    assert len(shown(trace, folds)) == 2001
