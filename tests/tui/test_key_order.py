"""Keys of one burst."""

from __future__ import annotations

from textual.events import Key

from sidekiq_tui.tui.key_order import KeyOrder


def key(name: str) -> Key:
    return Key(name, name)


def test_a_key_waits_for_the_one_before() -> None:
    order = KeyOrder()
    assert order.begin(key("a"))
    assert not order.begin(key("b"))
    assert not order.begin(key("c"))
    second = order.next(order.number)
    assert second is not None
    assert second.key == "b"
    assert not order.begin(key("d"))
    assert [found.key for _ in range(3) if (found := order.next(order.number)) is not None] == ["c", "d"]
    assert order.begin(key("e"))


def test_a_report_that_comes_late_lets_nothing_go_on() -> None:
    order = KeyOrder()
    order.begin(key("a"))
    late = order.number
    order.begin(key("b"))
    order.begin(key("c"))
    assert order.next(late) is not None
    assert order.next(late) is None
    assert order.waits_for(order.number)
    assert not order.waits_for(late)


def test_nothing_waits_for_a_key_that_nothing_follows() -> None:
    order = KeyOrder()
    order.begin(key("a"))
    assert not order.waits_for(order.number)
