"""Profiles, against Sidekiq's `ProfileSet`."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from hashlib import sha1

from sidekiq_tui.sidekiq.profiling import JobProfile, read_profile_data, read_profiles
from tests.conformance.values import Recording, close

COVERS = ("profiles",)

FIELDS: dict[str, Callable[[JobProfile], object]] = {
    "key": lambda profile: profile.key,
    "jid": lambda profile: profile.jid,
    "type": lambda profile: profile.type,
    "token": lambda profile: profile.token,
    "size": lambda profile: profile.size,
}


async def test_every_field_and_byte_of_every_profile(recording: Recording) -> None:
    answer = recording.answer("profiles")
    profiles = await read_profiles(recording.db, recording.now)
    assert len(profiles) == len(answer)
    for ours, theirs in zip(profiles, answer, strict=True):
        data = await read_profile_data(recording.db, ours.key)
        assert data is not None
        for name, value in theirs.items():
            match name:
                case "data_bytes":
                    assert len(data) == value
                case "data_sha1":
                    assert sha1(data).hexdigest() == value
                case "data_is_gzip":
                    assert bool(gzip.decompress(data)) is value
                case "elapsed" | "started_at":
                    assert getattr(ours, name) == close(value), name
                case _:
                    assert FIELDS[name](ours) == value, name
