"""Whose code a line of a backtrace is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.sidekiq.backtrace import first_own_frame, own_frame

OWN = [
    "app/services/payments/acquirer.rb:88:in 'Payments::Acquirer#post!'",
    "/srv/shop/releases/20261122/app/jobs/charge_job.rb:5:in `perform'",
    "lib/tasks/import.rake:3",
    "config/initializers/sidekiq.rb:12:in `block in <top (required)>'",
]
FOREIGN = [
    "/usr/local/bundle/gems/faraday-2.9.0/lib/faraday/connection.rb:12:in 'call'",
    "/home/app/.rbenv/versions/3.3.0/lib/ruby/3.3.0/net/http.rb:1603:in `initialize'",
    "/usr/lib/ruby/3.3.0/json/common.rb:219:in `parse'",
    "/srv/shop/vendor/bundle/ruby/3.3.0/gems/pg-1.5/lib/pg.rb:1:in `x'",
    "<internal:kernel>:187:in `loop'",
    "(eval at /srv/app.rb:3):1:in 'x'",
    "activerecord (7.1.2) lib/active_record/base.rb:5:in `save'",
    "",
    "not a frame",
    "/usr/local/bundle/bin/sidekiq:25:in `<main>'",
]


@pytest.mark.parametrize("line", OWN)
def test_own_frames(line: str) -> None:
    assert own_frame(line)


@pytest.mark.parametrize("line", FOREIGN)
def test_frames_of_others(line: str) -> None:
    assert not own_frame(line)


def test_the_first_own_frame_is_the_innermost() -> None:
    assert first_own_frame([FOREIGN[0], OWN[1], OWN[0]]) == OWN[1]
    assert first_own_frame(FOREIGN) is None
    assert first_own_frame([]) is None


@given(st.text())
def test_no_line_is_too_odd(line: str) -> None:
    assert own_frame(line) in (True, False)


def test_a_long_line_is_cut() -> None:
    frame = first_own_frame(["app/x.rb:1:in '" + "y" * 1_000_000])
    assert frame is not None
    assert len(frame) == 2000
