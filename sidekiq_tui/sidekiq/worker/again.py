"""Pushes a stored job once more: through the client middleware, with its bytes as they are but for what changed."""

from __future__ import annotations

from collections.abc import Mapping

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.client_payload import DEFAULT_OPTIONS, WrittenTime, written_time
from sidekiq_tui.sidekiq.payload_edit import with_fields


async def made_again(
    client: Client, raw: bytes, item: Mapping[str, object], now: float, form: WrittenTime
) -> tuple[bytes, str] | None:
    """What is pushed, and to which queue; None if middleware stopped it. `now` is Unix seconds.

    Raises whatever the middleware raises, InvalidJob for what it made that is no JSON.
    """
    payload = {**DEFAULT_OPTIONS, **item}
    through = await client.through(str(item["class"]), payload)
    if through is None:
        return None
    queue = str(through.get("queue") or "default")
    changes = {name: value for name, value in through.items() if name not in item or item[name] != value}
    changes["enqueued_at"] = written_time(now, form)
    drop = [name for name in item if name not in through or name == "at"]
    return with_fields(raw, changes, drop), queue
