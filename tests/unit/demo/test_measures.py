"""The demo's metrics: what one run of a job leaves must add up however it is counted."""

from __future__ import annotations

import struct
from collections import Counter
from random import Random
from typing import cast

from sidekiq_tui.demo.apps.shop import KINDS as SHOP
from sidekiq_tui.demo.measures import metrics
from sidekiq_tui.sidekiq.keys import Keys

NOW = 1_795_313_190.0


def _written(new: bool) -> tuple[list[Counter[str]], list[Counter[str]], dict[bytes, tuple[int, ...]]]:
    """The rollups of minutes and of ten minutes, and the histograms."""
    minutes: list[Counter[str]] = []
    tens: list[Counter[str]] = []
    histograms: dict[bytes, tuple[int, ...]] = {}
    for command in metrics(Keys(), SHOP, 40.0, 480, Random(1), NOW, new):
        key = cast(bytes, command[1])
        if command[0] == "SET":
            raw = cast(bytes, command[2])
            histograms[key] = struct.unpack(f">{len(raw) // 2}H", raw)
        elif command[0] == "HSET":
            fields = Counter(dict(zip(command[2::2], command[3::2], strict=True)))
            is_ten = new and len(key.rpartition(b":")[2]) == 1
            (tens if is_ten else minutes).append(cast("Counter[str]", fields))
    return minutes, tens, histograms


def test_every_successful_run_is_in_a_histogram() -> None:
    minutes, _, histograms = _written(new=True)
    total = sum(minutes, Counter[str]())
    succeeded = sum(by if field.endswith("|p") else -by for field, by in total.items() if not field.endswith("|ms"))
    assert succeeded == sum(map(sum, histograms.values())) > 1_000_000


def test_mailers_are_counted_under_one_name() -> None:
    minutes, _, _ = _written(new=True)
    mailers = [kind for kind in SHOP if kind.form == "mailer"]
    share = sum(kind.share for kind in mailers) / sum(kind.share for kind in SHOP)
    runs = sum(fields["ActionMailer::MailDeliveryJob|p"] for fields in minutes)
    every = sum(by for fields in minutes for field, by in fields.items() if field.endswith("|p"))
    assert len(mailers) > 1
    assert abs(runs / every - share) < 0.01


def test_ten_minutes_reach_back_three_days_and_only_in_version_8() -> None:
    assert (len(_written(new=True)[0]), len(_written(new=True)[1])) == (479, 431)
    assert _written(new=False)[1] == []
