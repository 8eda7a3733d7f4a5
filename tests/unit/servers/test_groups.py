"""Groups of servers by the names in their profiles."""

from __future__ import annotations

import pytest

from sidekiq_tui.errors import UsageError
from sidekiq_tui.servers.groups import find_group, groups_of, servers_in
from sidekiq_tui.servers.profile import Profile

PROFILES = (
    Profile(name="a", group="shop"),
    Profile(name="b", group="mail"),
    Profile(name="c"),
    Profile(name="d", group="shop"),
    Profile(name="e", group="Shop-EU"),
)


def test_groups_stand_in_the_order_of_their_servers() -> None:
    assert groups_of(PROFILES) == {"shop": ("a", "d"), "mail": ("b",), "Shop-EU": ("e",)}
    assert list(groups_of(PROFILES)) == ["shop", "mail", "Shop-EU"]


@pytest.mark.parametrize(
    ("word", "group"), [("shop", "shop"), ("MAIL", "mail"), ("ma", "mail"), ("shop-", "Shop-EU"), ("SHOP", "shop")]
)
def test_a_group_is_found_in_any_case_and_by_its_beginning(word: str, group: str) -> None:
    assert find_group(PROFILES, word) == group
    assert [profile.name for profile in servers_in(PROFILES, word)] == list(groups_of(PROFILES)[group])


@pytest.mark.parametrize("word", ["sh", "no", ""])
def test_what_is_no_group_says_which_there_are(word: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_group(PROFILES, word)
    assert "shop" in f"{raised.value.message} {raised.value.hint}"


def test_without_groups_it_says_how_to_make_one() -> None:
    with pytest.raises(UsageError) as raised:
        find_group(PROFILES[2:3], "shop")
    assert "group =" in raised.value.hint
