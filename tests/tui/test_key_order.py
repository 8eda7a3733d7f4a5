"""Keys of one burst."""

from __future__ import annotations

from textual.events import Key

from sidekiq_tui.tui.key_order import PATIENCE_SECONDS, KeyOrder


def key(name: str) -> Key:
    return Key(name, name)


def test_a_key_waits_for_the_one_before() -> None:
    order = KeyOrder()
    assert order.begin(key("a"), 1.0)
    assert not order.begin(key("b"), 1.0)
    assert not order.begin(key("c"), 1.1)
    second = order.next(1.1)
    assert second is not None
    assert second.key == "b"
    assert not order.begin(key("d"), 1.1)
    assert [found.key for _ in range(3) if (found := order.next(1.2)) is not None] == ["c", "d"]
    assert order.begin(key("e"), 1.2)


def test_a_lost_key_does_not_block_the_next() -> None:
    order = KeyOrder()
    assert order.begin(key("a"), 1.0)
    assert order.begin(key("b"), 1.0 + PATIENCE_SECONDS)


def test_keys_behind_a_lost_one_are_overdue() -> None:
    order = KeyOrder()
    order.begin(key("a"), 1.0)
    order.begin(key("b"), 1.0)
    assert not order.overdue(1.1)
    assert order.overdue(1.0 + PATIENCE_SECONDS)
