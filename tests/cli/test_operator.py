"""The running service, steered over its socket, reloaded, and asked by those who may not."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import group
from gate.core.domain import EventKind
from gate.errors import NoAnswer
from gate.interfaces.control.protocol import Command, ask, stream
from tests.daemons import STALE, Manager, WriteConfig, records, running, suspend, wait_for
from tests.waiting import PATIENCE_S, until

AS_NOBODY = """
import os, sys
import gate.cli.operator, gate.cli.status, json.encoder  # nobody may read no more of this Python
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
from gate.cli import main
sys.argv = ["smile-gate", *sys.argv[1:]]
main()
"""


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., Result]:
    """Call a command as a user would, for the gate of this test."""

    def run(*words: str) -> Result:
        environ = {"SMILE_GATE_SOCKET": str(tmp_path / "control.sock"), "COLUMNS": "120"}
        return CliRunner(env=environ).invoke(group, words, catch_exceptions=False)

    return run


def test_an_operator_steers_a_running_gate(
    write_config: WriteConfig, manager: Manager, tmp_path: Path, call: Callable[..., Result]
) -> None:
    """Status, close, open, reopen: each says what came of it, and the log has who and why."""
    config = write_config(camera={"loop": True}, relay={"hold_s": 9})
    with running(config, manager) as process:
        manager.wait_for("READY=1")
        status = json.loads(call("status", "--json").stdout)
        assert status["pid"] == process.pid
        assert status["well"]
        assert status["watchdog"]["limit_s"] == 0.4
        assert call("close", "--reason", "wet floor").exit_code == 0
        page = call("status")
        assert page.exit_code == 0
        assert page.output.startswith("CLOSED  ")
        assert "an operator (smile-gate reopen)" in page.output
        assert "wet floor" in page.output
        assert "the gate is open for 9 s" in call("open", "--reason", "a pram").output
        assert "the gate is open for 9 s" in call("open", "--reason", "another").output
        assert call("reopen").output == "the lane is open again\n"
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    assert not (tmp_path / "control.sock").exists()
    events = [record.event for record in records(tmp_path / "audit.db")]
    opened, again = [event for event in events if event.kind is EventKind.OPERATOR_GRANTED]
    assert (opened.detail, again.detail) == ("a pram", "another")
    assert opened.who == "root" or os.geteuid()
    assert call("status").exit_code == 3


@pytest.mark.slow
def test_a_watch_without_a_screen_prints_look_after_look(
    write_config: WriteConfig,
    manager: Manager,
    call: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Into a pipe or a file the page is printed anew each time, until Ctrl-C."""
    looks = []

    def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    with running(write_config(camera={"loop": True}, gate={"id": "lane-7"}), manager):
        manager.wait_for("READY=1")
        monkeypatch.setattr("gate.cli.status.time.sleep", pause)
        result = call("status", "--watch")
    assert result.exit_code == 0
    assert result.output.count("lane-7") == 2


def test_open_needs_a_reason(call: Callable[..., Result]) -> None:
    """The log is to say why; the command is wrong without."""
    result = call("open")
    assert result.exit_code == 2
    assert "--reason" in result.stderr


@pytest.mark.slow
def test_a_fault_is_told_with_its_remedy_and_exit_code_1(
    write_config: WriteConfig, manager: Manager, tmp_path: Path, call: Callable[..., Result]
) -> None:
    """The page says which part, for how long, and what to do."""
    with running(write_config(camera=STALE | {"source": "missing.avi"}), manager):
        wait_for(tmp_path / "audit.db", EventKind.FAULT)
        result = call("status")
    assert result.exit_code == 1
    assert result.output.startswith("FAULT  gate-1, for ")
    assert "missing.avi: no such video file" in result.output
    assert "check cable and camera.source" in result.output


@pytest.mark.slow
def test_a_reload_is_told_to_the_manager_and_a_bad_one_is_refused(
    write_config: WriteConfig, manager: Manager, tmp_path: Path, call: Callable[..., Result]
) -> None:
    """RELOADING and READY around it; a mistake leaves the gate as it was, with exit code 1."""
    with running(write_config(camera={"loop": True}), manager) as process:
        manager.wait_for("READY=1")
        write_config(camera={"loop": True}, smile={"frames": 3})
        assert "smile.frames: 8 -> 3" in call("reload").output
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        digest = json.loads(call("status", "--json").stdout)["settings"]["digest"]
        write_config(camera={"loop": True}, smile={"frames": 0})
        bad = call("reload")
        assert bad.exit_code == 1
        assert "'smile.frames' must be at least 1" in bad.stderr
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        assert json.loads(call("status", "--json").stdout)["settings"]["digest"] == digest
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    changes = [
        it.event
        for it in records(tmp_path / "audit.db")
        if it.event.kind is EventKind.CONFIG_CHANGED
    ]
    assert [event.detail for event in changes] == ["smile.frames: 8 -> 3"]


@pytest.mark.slow
def test_sighup_reloads(write_config: WriteConfig, manager: Manager, tmp_path: Path) -> None:
    """The signal does what the command does, and does not stop the gate."""
    with running(write_config(camera={"loop": True}), manager) as process:
        manager.wait_for("READY=1")
        write_config(camera={"loop": True}, gate={"id": "west"})  # needs a restart
        process.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        write_config(camera={"loop": True}, rearm={"after_s": 0.2})
        process.send_signal(signal.SIGHUP)
        wait_for(tmp_path / "audit.db", EventKind.CONFIG_CHANGED)
        process.terminate()
        _, journal = process.communicate(timeout=PATIENCE_S)
    (change,) = [
        it.event
        for it in records(tmp_path / "audit.db")
        if it.event.kind is EventKind.CONFIG_CHANGED
    ]
    assert (change.who, change.detail) == ("SIGHUP", "rearm.after_s: 0.3 -> 0.2")
    assert b"not reloaded, the old settings stay" in journal


@pytest.mark.slow
def test_a_second_gate_gets_one_clear_error(
    write_config: WriteConfig, manager: Manager, call: Callable[..., Result]
) -> None:
    """The first one goes on; a killed one's socket is in nobody's way."""
    config = write_config(camera={"loop": True})
    with running(config, manager) as first:
        manager.wait_for("READY=1")
        with running(config, manager) as second:
            assert second.wait(PATIENCE_S) == 1
            assert second.stderr is not None
            (line,) = second.stderr.read().decode().splitlines()
        assert "a gate is running already" in line
        assert call("status").exit_code == 0
        first.kill()
        first.wait()
    with running(config, manager):
        manager.wait_for("READY=1")
        assert call("status").exit_code == 0


@pytest.mark.slow
def test_a_second_gate_on_one_log_is_refused_whatever_its_socket(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """Neither another socket nor none lets two gates write one log; the first goes on."""
    with running(write_config(camera={"loop": True}), manager) as first:
        manager.wait_for("READY=1")
        for socket in (None, str(tmp_path / "other.sock")):
            config = write_config(camera={"loop": True}, control={"socket": socket})
            with running(config, manager) as second:
                _, said = second.communicate(timeout=PATIENCE_S)
                assert second.returncode == 1
                assert f"another gate writes it (process {first.pid})" in said.decode()
        assert first.poll() is None
    kinds = [record.event.kind for record in records(tmp_path / "audit.db")]
    assert kinds.count(EventKind.STARTED) == 1


@pytest.mark.slow
def test_a_gate_that_hangs_does_not_answer(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """Its socket takes the question, and the client's patience ends."""
    with running(write_config(camera={"loop": True}), manager) as process:
        manager.wait_for("READY=1")
        suspend(process)
        with pytest.raises(NoAnswer, match="does not answer"):
            ask(tmp_path / "control.sock", Command.STATUS, wait_s=0.1)


@pytest.mark.slow
def test_a_running_gate_lets_its_log_be_read(
    write_config: WriteConfig, manager: Manager, tmp_path: Path, call: Callable[..., Result]
) -> None:
    """Events as they come, counts and an export, while frames are judged; then all ends at once."""
    path, database = tmp_path / "control.sock", tmp_path / "audit.db"
    with running(write_config(camera={"loop": True}), manager) as process:
        manager.wait_for("READY=1")
        with closing(stream(path, Command.EVENTS, after=0)) as events:
            head, _ = next(events)
            at = head["columns"].index("kind")
            ask(path, Command.OPEN, "a pram")
            told = (row[at] for page, _ in events for row in page["events"])
            assert "operator_granted" in told
        assert next(stream(path, Command.STATS, by="event"))[0]["total"]["grants"] >= 1
        first, *_ = call("events").stdout.splitlines()
        assert json.loads(first)["kind"] == "log_begun"
        assert json.loads(call("events", "--after", "1").stdout.splitlines()[0])["sequence"] == 2
        assert "no event 999999 yet" in call("events", "--after", "999999").stderr
        *_, (end, _) = stream(path, Command.EXPORT, events=["started"])
        assert end["end"]["events"] == 1
        status = ask(path, Command.STATUS)["status"]
        assert status["well"]
        assert status["camera"]["late"] == 0
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    (exported,) = [it.event for it in records(database) if it.event.kind is EventKind.EXPORTED]
    assert exported.who == pwd.getpwuid(os.getuid()).pw_name
    assert json.loads(str(exported.detail))["sha256"] == end["end"]["sha256"]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_may_look_and_not_steer(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """A process of the user nobody, as the kernel sees it: status yes, open no, exit code 4."""
    public = Path(tempfile.mkdtemp(prefix="smile-gate-"))  # pytest's own folders are private
    public.chmod(0o755)
    path = public / "control.sock"

    def as_nobody(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", AS_NOBODY, *words, "--socket", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )

    settings = write_config(camera={"loop": True}, control={"socket": str(path)})
    with running(settings, manager):
        manager.wait_for("READY=1")
        seen = as_nobody("status", "--json")
        refused = as_nobody("open", "--reason", "let me in")
    assert json.loads(seen.stdout)["well"], seen.stderr
    assert refused.returncode == 4
    assert "may not do this; ask an administrator" in refused.stderr
    assert "then log out and in again" in refused.stderr
    kinds = [record.event.kind for record in records(tmp_path / "audit.db")]
    assert EventKind.OPERATOR_GRANTED not in kinds
    shutil.rmtree(public)


@pytest.mark.slow
def test_many_who_ask_do_not_hold_up_the_loop(
    write_config: WriteConfig, manager: Manager, tmp_path: Path
) -> None:
    """A hundred questions, and connections that say nothing: frames are judged all the while."""
    path = tmp_path / "control.sock"

    def judged() -> int:
        return int(ask(path, Command.STATUS)["status"]["camera"]["judged"])

    with running(write_config(camera={"loop": True}), manager):
        manager.wait_for("READY=1")
        before = judged()
        silent = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for connection in silent:
            connection.connect(str(path))
        for _ in range(100):
            assert ask(path, Command.STATUS)["ok"]
        until(lambda: judged() > before, "another frame that was judged")
        after = ask(path, Command.STATUS)["status"]
        for connection in silent:
            connection.close()
    assert after["well"]
    assert after["camera"]["late"] == 0
