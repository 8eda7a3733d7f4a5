"""The stories of the demo: their plans follow from the seed, and do what they tell."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest

from sidekiq_tui.cli.commands import demo as words
from sidekiq_tui.demo.apps.base import MAILER, registered
from sidekiq_tui.demo.apps.frames import TRACES, Failure, fail
from sidekiq_tui.demo.arrivals import Arrival, arrivals
from sidekiq_tui.demo.crews import rosters
from sidekiq_tui.demo.fate import fate
from sidekiq_tui.demo.hosts import Restart, restarts
from sidekiq_tui.demo.orders import SCENARIOS as NAMES
from sidekiq_tui.demo.payloads import WRAPPERS
from sidekiq_tui.demo.plans import ServerPlan, plans
from sidekiq_tui.demo.scenarios import BROKEN, SCENARIOS, Deploy, Scenario, Trouble
from sidekiq_tui.sidekiq.backtrace import own_frame
from sidekiq_tui.sidekiq.worker.retries import backtrace_lines, error_name

JIDS = [f"{number:024x}" for number in range(400)]


def production(scenario: str) -> ServerPlan:
    return plans(1, scenario=scenario)[0]


def coming(scenario: str, seed: str = "7", seconds: int = 400) -> list[list[Arrival]]:
    return list(islice(arrivals(production(scenario), seed), seconds))


def failed(scenario: str, name: str, elapsed: float = 60.0, released: bool = False) -> Counter[str]:
    """How runs of a class end there: by error, "" for those that go well."""
    plan = production(scenario)
    (kind,) = (kind for kind in plan.kinds if kind.name == name)
    runs = [fate(kind, plan.scenario, seed="7", jid=jid, tries=0, elapsed=elapsed, released=released) for jid in JIDS]
    return Counter("" if run.error is None else run.error[1] for run in runs)


def seconds(scenario: str, name: str) -> float:
    """How long runs of a class take there on average."""
    plan = production(scenario)
    (kind,) = (kind for kind in plan.kinds if kind.name == name)
    return sum(fate(kind, plan.scenario, seed="7", jid=jid, tries=0, elapsed=60.0).seconds for jid in JIDS) / len(JIDS)


def test_every_place_knows_the_same_scenarios() -> None:
    assert tuple(SCENARIOS) == NAMES == words.SCENARIOS


@pytest.mark.parametrize("scenario", NAMES)
def test_a_scenario_is_the_same_for_the_same_seed(scenario: str) -> None:
    assert coming(scenario) == coming(scenario) != coming(scenario, seed="8")
    assert list(restarts(production(scenario), 0)) == list(restarts(production(scenario), 0))


@pytest.mark.parametrize("scenario", NAMES)
def test_a_scenario_names_what_there_is(scenario: str) -> None:
    plan = production(scenario)
    names, hosts = {kind.name for kind in plan.kinds}, {process.host for process in plan.processes}
    queues = {kind.queue for kind in plan.kinds}
    told = plan.scenario
    assert {trouble.service for trouble in told.troubles} <= {kind.service for kind in plan.kinds}
    assert set(told.alone) <= hosts
    assert {deploy.breaks for deploy in told.deploys} <= names | {""}
    assert {failures.name for failures in told.failures} <= names
    assert {*told.surges, *told.waiting, *told.served} <= queues
    assert {host for only in told.served.values() for host in only} <= hosts


@pytest.mark.parametrize("scenario", NAMES)
def test_every_host_works_in_one_process_and_few_processes_do(scenario: str) -> None:
    wanted = plans(9, scenario=scenario)
    found = [host for roster in rosters(wanted) for host in roster.hosts]
    assert sorted(found) == sorted((plan.name, at) for plan in wanted for at in range(len(plan.processes)))
    assert len(list(rosters(wanted))) <= 3
    for roster in rosters(wanted):
        if roster.name in wanted[0].scenario.alone:
            assert len(roster.hosts) == 1


def test_the_other_servers_have_nothing_to_do_with_it() -> None:
    for one, other in zip(plans(3, scenario="incident")[1:], plans(3, scenario="backlog")[1:], strict=True):
        assert one == other


def test_in_the_incident_the_gateway_times_out_and_mails_are_slow() -> None:
    charges = failed("incident", "Checkout::ChargeCardJob")
    assert 0.3 < charges["Payments::GatewayTimeout"] / len(JIDS) < 0.6
    assert failed("incident", "PriceCalculationJob")[""] > 0.9 * len(JIDS)
    assert seconds("incident", "OrderMailer") > 5 * seconds("calm", "OrderMailer")
    assert seconds("incident", "PriceCalculationJob") == seconds("calm", "PriceCalculationJob")


def test_in_the_deploy_only_hosts_with_the_release_fail_and_only_one_class() -> None:
    assert failed("deploy", "PriceCalculationJob", released=True) == {BROKEN[0]: len(JIDS)}
    assert BROKEN[0] not in failed("deploy", "PriceCalculationJob")
    assert BROKEN[0] not in failed("deploy", "WebhookDeliveryJob", released=True)


def test_the_deploy_rolls_from_host_to_host() -> None:
    plan = production("deploy")
    times = [restart.at for number in range(len(plan.processes)) for restart in restarts(plan, number)]
    assert times == sorted(times)
    assert len(set(times)) == len(plan.processes)
    assert {process.version for process in plan.processes} != {"8.1.7"}


def test_a_deploy_that_is_over_is_not_done_again_but_the_next_one_is() -> None:
    once, often = Restart(30.0, Deploy(30.0)), Restart(30.0, Deploy(30.0, every=100.0))
    assert once.after(10.0) == once
    assert once.after(40.0) is None
    assert often.after(10.0) == often
    assert often.after(250.0) == replace(often, at=330.0)


def test_in_the_backlog_more_comes_in_and_one_queue_is_served_by_nobody() -> None:
    def pushed(scenario: str, queue: str) -> int:
        return sum(one.count for second in coming(scenario) for one in second if one.kind.queue == queue)

    assert pushed("backlog", "low") > 1.5 * pushed("incident", "low")
    assert pushed("backlog", "critical") < 1.3 * pushed("incident", "critical")
    plan = production("backlog")
    assert not any("reports" in process.queues for process in plan.processes)
    assert plan.waiting["reports"]
    assert [process.host for process in plan.processes if "low" in process.queues] == ["shop-batch-1"]
    assert all(process.concurrency for process in plan.processes)


def test_the_same_run_ends_the_same_way_and_another_try_may_not() -> None:
    kind = production("busy").kinds[0]
    always = Scenario(tells="", troubles=(Trouble(service=kind.service, fails=0.5),))

    def runs(tries: int) -> list[object]:
        return [fate(kind, always, seed="7", jid=jid, tries=tries, elapsed=1.0) for jid in JIDS]

    assert runs(0) == runs(0) != runs(1)


def test_trouble_comes_and_goes() -> None:
    trouble = Trouble(service="mail", starts=120, lasts=60, every=660)
    assert [trouble.holds(at) for at in (0, 119, 120, 179, 181, 780, 850)] == [
        False, False, True, True, False, True, False,
    ]  # fmt: skip
    assert Trouble(service="mail").holds(0)
    assert Trouble(service="mail").holds(1e9)


@pytest.mark.parametrize("service", TRACES)
def test_backtraces_look_like_a_ruby_applications(service: str) -> None:
    with pytest.raises(Failure) as caught:
        fail(service, "Payments::CardDeclined", "no")
    lines = backtrace_lines(caught.value)
    assert error_name(caught.value) == "Payments::CardDeclined"
    assert all(".rb:" in line for line in lines)
    assert any(own_frame(line) for line in lines)
    file, number, method = TRACES[service][-1]
    assert lines[0].endswith(f"{file}:{number}:in '{method}'")
    assert "no" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("plan", plans(3), ids=lambda plan: plan.name)
def test_every_payload_has_a_class_that_runs_it(plan: ServerPlan) -> None:
    classes = registered(plan.jobs)
    for kind in plan.kinds:
        assert kind.name in classes
        assert kind.metric == MAILER or kind.metric in classes
    assert set(WRAPPERS.values()) <= set(classes)
    for name, job in plan.jobs.items():
        assert job.class_name() == name
        assert job.options()["queue"] == job.kind.queue
