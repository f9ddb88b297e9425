from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from gate.audit import Store
from gate.config import StoreSettings
from gate.core.domain import Event, EventKind
from gate.service.jobs import Jobs
from gate.service.nightly import nightly, schedule


def test_the_night_verifies_and_backs_up_and_records_both(tmp_path: Path) -> None:
    """After a night the log says that it is whole and where its copy is."""
    store = Store.open(tmp_path / "audit.db")
    store.record([Event(EventKind.STARTED, 1.0)])
    nightly(store, StoreSettings(path=tmp_path / "audit.db", backup_to=tmp_path / "copies"))
    kinds = [record.event.kind for record in store.records(after=1)]
    store.close()
    assert kinds == [EventKind.STARTED, EventKind.VERIFIED, EventKind.BACKED_UP]
    assert len(list((tmp_path / "copies").glob("*"))) >= 1


def test_a_part_that_fails_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup folder that can't be made is said, and the log is verified all the same."""
    (tmp_path / "file").touch()
    store = Store.open(tmp_path / "audit.db")
    nightly(
        store, StoreSettings(path=tmp_path / "audit.db", backup_to=tmp_path / "file" / "copies")
    )
    kinds = [record.event.kind for record in store.records(after=1)]
    store.close()
    assert kinds == [EventKind.VERIFIED]
    assert "back up" in caplog.text


def test_the_calendar_knows_the_hour(tmp_path: Path) -> None:
    """The nightly work is at the configured time."""
    store = Store.open(None)
    jobs = Jobs([], lambda wanted: None)
    schedule(jobs, lambda: store, StoreSettings(upkeep_at=time(4, 15)))
    jobs.start()
    assert jobs._scheduler is not None
    (job,) = jobs._scheduler.get_jobs()
    jobs.close()
    store.close()
    assert (job.id, job.next_run_time.hour, job.next_run_time.minute) == ("upkeep", 4, 15)
