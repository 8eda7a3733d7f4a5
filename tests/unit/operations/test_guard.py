"""Who may do what, what is asked before, and when a yes is no longer one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sidekiq_tui.operations import guard
from sidekiq_tui.operations.catalog import (
    Clear,
    Delete,
    DeleteProfiles,
    Kill,
    Operation,
    Pause,
    PruneProcesses,
    ResetStatistics,
    Retry,
    SignalProcesses,
    Undo,
)
from sidekiq_tui.operations.errors import AccessDenied, CannotBeDone, GuardRefused, NotConfirmed, PlanOutdated
from sidekiq_tui.operations.plan import Peer, Plan, ServerMark
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.servers.profile import Access, Profile
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import Place

NOW = 1_795_000_000.0
MARK = ServerMark("run", ("replid",), 0, "", "master")
PROD = Profile(name="prod")
RETRY = Place("retry")


def plan(operation: Operation | None = None, *, count: int = 1, **more: Any) -> Plan:
    made = Plan(
        operation=operation or Retry(jobs=Rows(())),
        server="prod",
        label=None,
        mark=MARK,
        mode="A",
        user=None,
        count=count,
        made_at=NOW,
        fingerprint="abcdef0123456789",
    )
    return replace(made, **more)


@pytest.mark.parametrize(
    ("operation", "count", "profile", "kind", "expected"),
    [
        (Retry(jobs=Rows(())), 1, PROD, "yes", "y"),
        (Retry(jobs=Rows(())), 100, PROD, "yes", "y"),
        (Retry(jobs=Rows(())), 101, PROD, "count", "101"),
        (Kill(jobs=Matching((RETRY,), parse_filter("class:A"))), 12_345, PROD, "count", "12345"),
        (Kill(jobs=Matching((RETRY,), parse_filter("class:A"))), 100, PROD, "yes", "y"),
        (Kill(jobs=Matching((RETRY,), parse_filter(""))), 3, PROD, "name", "prod"),
        (Delete(jobs=Whole(RETRY)), 3, PROD, "name", "prod"),
        (Clear(place=Whole(RETRY)), 3, PROD, "name", "prod"),
        (Retry(jobs=Rows(())), 1, replace(PROD, guard=True), "name", "prod"),
        (Retry(jobs=Rows(())), 1, replace(PROD, label="Production"), "name", "prod"),
        (Retry(jobs=Rows(())), 1, replace(PROD, label="staging"), "yes", "y"),
        (Undo(operation="a"), 500, PROD, "count", "500"),
        (SignalProcesses(signal="TTIN", identities=("a",)), 1, PROD, "none", ""),
        (SignalProcesses(signal="TTIN", identities=("a",)), 1, replace(PROD, guard=True), "name", "prod"),
        (SignalProcesses(signal="TSTP", identities=("a",)), 1, PROD, "yes", "y"),
        (Pause(queues=("a",)), 1, PROD, "yes", "y"),
        (Pause(queues=("a",), paused=False), 1, PROD, "none", ""),
    ],
    ids=range(17),
)
def test_the_question_follows_the_impact(
    operation: Operation, count: int, profile: Profile, kind: str, expected: str
) -> None:
    asked = guard.question(plan(operation, count=count), profile)
    assert (asked.kind, asked.expected) == (kind, expected)


def test_the_name_asked_for_is_the_plans() -> None:
    asked = guard.question(plan(Clear(place=Whole(RETRY)), server="staging"), PROD)
    assert asked.expected == "staging"


@pytest.mark.parametrize(
    ("count", "profile", "answers", "wrong"),
    [
        (1, PROD, ["y", "Y", " yes "], ["", "n", "prod", "1", "yep"]),
        (1234, PROD, ["1234", "1,234", " 1 234 ", "1_234"], ["", "y", "yes", "123", "12345", "prod", "1234x"]),
        (1, replace(PROD, guard=True), ["prod", " prod "], ["", "y", "Prod", "pro", "prod2", "1"]),
    ],
    ids=["yes", "count", "name"],
)
def test_only_the_right_answer_opens(count: int, profile: Profile, answers: list[str], wrong: list[str]) -> None:
    for answer in answers:
        grant = guard.admit(plan(count=count), profile, answer, NOW)
        assert (grant.server, grant.mark, grant.operation, grant.plan) == ("prod", MARK, "retry", "abcdef0123456789")
        assert grant.expires == NOW + 900
    for answer in wrong:
        with pytest.raises(NotConfirmed):
            guard.admit(plan(count=count), profile, answer, NOW)


@pytest.mark.parametrize(
    ("operation", "least"),
    [
        (Retry(jobs=Rows(())), "operate"),
        (Delete(jobs=Whole(RETRY)), "operate"),
        (Undo(operation="a"), "operate"),
        (Pause(queues=("a",)), "operate"),
        (SignalProcesses(signal="TSTP", identities=("a",)), "operate"),
        (SignalProcesses(signal="TERM", identities=("a",)), "full"),
        (Clear(place=Whole(RETRY)), "full"),
        (ResetStatistics(), "full"),
        (PruneProcesses(identities=("a",)), "full"),
        (DeleteProfiles(profiles=("a",)), "full"),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("access", ["read-only", "operate", "full"])
@pytest.mark.parametrize("read_only", [False, True], ids=["", "started-read-only"])
def test_access(operation: Operation, least: str, access: Access, read_only: bool) -> None:
    profile = replace(PROD, access=access)
    made = plan(operation)
    allowed = not read_only and (access == "full" or (access == "operate" and least == "operate"))
    assert (guard.access_refusal(operation, profile, read_only=read_only) == "") == allowed
    answer = guard.question(made, profile).expected
    if allowed:
        assert guard.admit(made, profile, answer, NOW).level == least
    else:
        with pytest.raises(AccessDenied) as refused:
            guard.admit(made, profile, answer, NOW, read_only=read_only)
        assert refused.value.exit_code == 4


@pytest.mark.parametrize(
    ("made", "now", "error"),
    [
        (plan(refused="no"), NOW, CannotBeDone),
        (plan(mode="R"), NOW, CannotBeDone),
        (plan(), NOW + 601, PlanOutdated),
        (plan(), NOW - 1, PlanOutdated),
        (plan(server="other"), NOW, PlanOutdated),
    ],
    ids=["refused", "nothing-writes", "old", "clock-back", "other-server"],
)
def test_what_a_yes_does_not_help(made: Plan, now: float, error: type[GuardRefused]) -> None:
    with pytest.raises(error):
        guard.admit(made, PROD, "y", now)


def test_a_named_plan_must_be_this_one() -> None:
    guard.admit(plan(), PROD, "y", NOW, fingerprint="abcdef0123456789")
    guard.admit(plan(), PROD, "y", NOW, fingerprint=guard.short("ABCDEF0123456789"))
    for other in ("abcdef01234", "", "abcdef1", "abcdef01234567890"):
        with pytest.raises(PlanOutdated):
            guard.admit(plan(), PROD, "y", NOW, fingerprint=other)


def test_a_grant_is_renewed_only_while_that_is_allowed() -> None:
    made = plan()
    grant = guard.admit(made, PROD, "y", NOW)
    assert guard.renew(made, PROD, grant, NOW + 700).expires == NOW + 1600
    with pytest.raises(AccessDenied):
        guard.renew(made, replace(PROD, access="read-only"), grant, NOW + 700)
    with pytest.raises(AccessDenied):
        guard.renew(made, PROD, grant, NOW + 700, read_only=True)
    with pytest.raises(PlanOutdated):
        guard.renew(plan(fingerprint="f00d"), PROD, grant, NOW + 700)


def test_upkeep_asks_nothing_but_never_happens_on_a_read_only_server() -> None:
    assert guard.admit_upkeep(MARK, PROD, "reap", NOW).operation == "reap"
    for refused in ({"read_only": True}, {}):
        with pytest.raises(AccessDenied):
            guard.admit_upkeep(MARK, replace(PROD, access="read-only"), "reap", NOW, **refused)
    with pytest.raises(AccessDenied):
        guard.admit_upkeep(MARK, PROD, "close", NOW, read_only=True)


@pytest.mark.parametrize(
    ("now", "seen"),
    [
        (MARK, "same"),
        (replace(MARK, replication_ids=("other",)), "same"),
        (replace(MARK, run_id="b", replication_ids=("new", "replid")), "failover"),
        (replace(MARK, run_id="b", replication_ids=("replid",)), "other"),
        (replace(MARK, run_id="b"), "other"),
        (replace(MARK, database=1), "other"),
        (replace(MARK, namespace="x"), "other"),
        (replace(MARK, role="slave"), "other"),
        (replace(MARK, run_id=None), "other"),
    ],
    ids=range(9),
)
def test_the_server_must_be_the_one_that_was_planned_for(now: ServerMark, seen: str) -> None:
    assert MARK.seen_again(now) == seen
    if seen == "same":
        guard.check_server(plan(), now)
    else:
        with pytest.raises(PlanOutdated):
            guard.check_server(plan(), now)


def test_a_server_that_does_not_say_who_it_is_counts_as_the_same() -> None:
    unknown = ServerMark(None, (), 0, "", None)
    assert unknown.seen_again(unknown) == "same"


def test_a_server_that_jobs_come_to_must_allow_it_too() -> None:
    peer = Peer("staging", None, MARK, None, False, writes=True)
    made = plan(peer=peer)
    staging = Profile(name="staging")
    grant = guard.admit_peer(made, staging, NOW)
    assert (grant.server, grant.level) == ("staging", "operate")
    with pytest.raises(AccessDenied, match="staging is read-only here"):
        guard.admit_peer(made, replace(staging, access="read-only"), NOW)
    with pytest.raises(AccessDenied, match="--read-only"):
        guard.admit_peer(made, staging, NOW, read_only=True)
    with pytest.raises(PlanOutdated):
        guard.admit_peer(made, PROD, NOW)
    with pytest.raises(PlanOutdated):
        guard.admit_peer(plan(peer=replace(peer, writes=False)), staging, NOW)


@pytest.mark.parametrize("access", ["read-only", "operate", "full"])
def test_upkeep_needs_no_more_than_writing(access: Access) -> None:
    profile = replace(PROD, access=access)
    if access == "read-only":
        with pytest.raises(AccessDenied):
            guard.admit_upkeep(MARK, profile, "close", NOW)
    else:
        assert guard.admit_upkeep(MARK, profile, "close", NOW).level == "operate"
    with pytest.raises(AccessDenied):
        guard.admit_upkeep(MARK, profile, "close", NOW, read_only=True)
