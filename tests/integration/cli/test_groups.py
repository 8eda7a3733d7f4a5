"""``--group``: the servers of a group, on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from sidekiq_tui.cli.main import run
from sidekiq_tui.cli.scope import ui_scope
from tests.integration.cli.conftest import Sqtui, no_door


@pytest.fixture
def file(redis_url: str, config: Callable[[str], str]) -> str:
    groups = {"prod": "shop", "mail": "post", "staging": "shop", "dev": None}
    lines = [
        f'[servers.{name}]\nurl = "{redis_url}"\n' + (f'group = "{group}"\n' if group else "")
        for name, group in groups.items()
    ]
    return config("".join(lines))


def names(sqtui: Sqtui, *argv: str) -> list[str]:
    return [server["name"] for server in sqtui(*argv, "-o", "json").document["servers"]]


def test_a_group_is_its_servers_with_a_total(sqtui: Sqtui, file: str) -> None:
    document = sqtui("--config", file, "--group", "shop", "dashboard", "-o", "json").document
    assert [server["name"] for server in document["servers"]] == ["prod", "staging"]
    assert "total" in document


def test_groups_and_servers_add_up_before_and_after_the_view(sqtui: Sqtui, file: str) -> None:
    assert names(sqtui, "--config", file, "--group", "post", "queues", "--group", "shop") == ["mail", "prod", "staging"]
    assert names(sqtui, "--config", file, "queues", "--server", "dev", "--group", "SH") == ["dev", "prod", "staging"]
    assert names(sqtui, "--config", file, "servers", "--group", "shop") == ["prod", "staging"]


def test_a_group_that_is_not_there_is_refused_with_those_that_are(sqtui: Sqtui, file: str) -> None:
    ran = sqtui("--config", file, "--group", "shp", "queues")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no group shp" in ran.err
    assert "shop, post" in ran.err


def test_where_servers_mean_nothing_groups_do_not_either(sqtui: Sqtui) -> None:
    assert sqtui("--group", "shop", "completion", "bash").code == 2


def test_the_terminal_opens_on_the_servers_of_a_group(file: str) -> None:
    seen: list[argparse.Namespace] = []

    def door(args: argparse.Namespace) -> int:
        seen.append(args)
        return 0

    assert run(("--config", file, "--group", "shop"), ui=door, demo=no_door) == 0
    selection, start = ui_scope(seen[0])
    assert [profile.name for profile in selection.profiles] == ["prod", "staging"]
    assert start is None


def test_completion_knows_the_groups(sqtui: Sqtui, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQTUI_CONFIG", file)
    assert sqtui("__complete", "groups").out == "shop\npost\n"
