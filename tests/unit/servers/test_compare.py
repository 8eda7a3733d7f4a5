"""What counts as a difference between two servers, and what is only noise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidekiq_tui.servers.compare import SECTIONS, Comparison, Side, Value, compare
from sidekiq_tui.servers.series import Rates
from sidekiq_tui.sidekiq.overview import Overview, QueueSummary
from sidekiq_tui.sidekiq.process import Capsule
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from tests.support.tui import make_overview, make_process


def sides(left: Overview, right: Overview) -> Comparison:
    return compare(Side("prod", left), Side("staging", right))


def found(comparison: Comparison) -> dict[tuple[str, str, str], tuple[Value, Value]]:
    return {(one.section, one.subject, one.name): (one.left, one.right) for one in comparison.differences}


def queue(name: str, size: int = 0, latency: float = 0.0, *, paused: bool = False) -> QueueSummary:
    return QueueSummary(name, size, latency, None, paused, 1)


def test_a_server_does_not_differ_from_itself() -> None:
    overview = make_overview(queue("low", 5), processes=(make_process(),))
    comparison = sides(overview, overview)
    assert comparison.differences == ()
    assert set(comparison.same) == set(SECTIONS)
    assert comparison.same["redis"] >= 10
    assert (comparison.left, comparison.right) == ("prod", "staging")


def test_what_somebody_has_set_up_differs_at_once() -> None:
    left = make_overview(queue("low"), queue("mail", paused=True), processes=(make_process(),))
    capsule = Capsule("default", 7, "weighted", {"mail": 3})
    other = replace(make_process(), version="7.3.10", tag="blue", capsules=(capsule,), queues=("mail",), concurrency=7)
    right = replace(
        make_overview(queue("mail"), queue("new"), processes=(other,)),
        sidekiq_versions=("7.3.10",),
        redis=RedisInfo(version="6.2", maxmemory_policy="allkeys-lru", maxmemory=1 << 30),
    )
    differences = found(sides(left, right))
    assert differences["queues", "low", "there"] == (True, False)
    assert differences["queues", "new", "there"] == (False, True)
    assert differences["queues", "mail", "paused"] == (True, False)
    assert differences["queues", "mail", "weight"][1] == ("3 weighted",)
    assert differences["queues", "mail", "threads"][1] == 7
    assert differences["versions", "", "sidekiq"][1] == ("7.3.10",)
    assert differences["versions", "", "tags"][1] == ("blue",)
    assert differences["redis", "", "memory policy"][1] == "allkeys-lru"
    assert differences["redis", "", "version"][1] == "6.2"


@pytest.mark.parametrize(
    ("left", "right", "differs"),
    [
        ((100, 5.0), (105, 5.2), False),
        ((100, 5.0), (150, 5.2), True),
        ((3, 5.0), (5, 5.0), False),
        ((3, 0.1), (3, 60.0), True),
    ],
    ids=["near", "size", "few", "latency"],
)
def test_what_moves_by_itself_differs_from_a_tenth_on(
    left: tuple[int, float], right: tuple[int, float], differs: bool
) -> None:
    comparison = sides(make_overview(queue("low", *left)), make_overview(queue("low", *right)))
    about_it = [one for one in comparison.differences if one.section in ("queues", "load")]
    assert bool(about_it) is differs
    assert all(one.moving for one in about_it)


def test_rates_and_today_are_compared_where_both_are_known() -> None:
    left, right = Side("a", make_overview(), Rates(100.0, 1.0), (1000, 5)), Side("b", make_overview(), Rates(10.0, 0.9))
    differences = found(compare(left, right))
    assert differences["load", "", "processed"] == (100.0, 10.0)
    assert ("load", "", "failed") not in differences
    assert ("load", "", "processed today") not in differences
    both = found(compare(left, replace(right, today=(10, 5))))
    assert both["load", "", "processed today"] == (1000, 10)
    assert ("load", "", "failed today") not in both


def test_what_could_not_be_read_is_told() -> None:
    denied = replace(make_overview(), denied={"processes": "this user may not run HMGET here (NOPERM)"}, processes=())
    comparison = sides(denied, make_overview())
    assert comparison.unknown[0] == "processes of prod: this user may not run HMGET here (NOPERM)"
    assert "errors: not read on both" in comparison.unknown
