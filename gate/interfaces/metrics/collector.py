"""Metrics that are read at the moment of asking: newest turn of the loop, and board."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gate.core.domain import Reason, State
from gate.hardware.board import Board, Strain
from gate.interfaces.metrics.meter import LoopTurn

PARTS = tuple(reason for reason in Reason if reason.startswith("fault_"))
WORST_S = 60.0
"""The watchdog's margin is the smallest of the last one or two periods of this length, s."""


class LoopCollector(Collector):
    """Makes the metrics anew at each request, from the newest turn of the loop."""

    def __init__(
        self, watchdog_s: float, board: Callable[[], Board], clock: Callable[[], float]
    ) -> None:
        self.unclean = False
        self._watchdog_s = watchdog_s
        self._board = board
        self._clock = clock
        self._turn: LoopTurn | None = None
        self._silences = (0.0, 0.0)
        self._since = clock()

    def record_turn(self, turn: LoopTurn) -> None:
        """Keep the newest turn, and each minute's longest silence; the loop's thread calls it."""
        before, self._turn = self._turn, turn
        if turn.now - self._since > WORST_S:
            self._since = turn.now
            self._silences = (self._silences[1], 0.0)
        if before is not None and before.pinged_at is not None:
            silence = turn.now - before.pinged_at
            self._silences = (self._silences[0], max(self._silences[1], silence))

    def describe(self) -> list[Metric]:
        """Describe nothing in advance: the metrics depend on the machine."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        yield _gauge("unclean_start", "1 if the run before ended uncleanly.", self.unclean)
        if self._turn is not None:
            yield from self._of_turn(self._turn, self._clock())
        yield from _of_board(self._board())

    def _of_turn(self, turn: LoopTurn, now: float) -> Iterator[Metric]:
        state = _family("state", "1 for the state of the lane, else 0.", "state")
        for each in State:
            state.add_metric([each], each is turn.state)
        fault = _family("fault", "1 for a part that is at fault, else 0.", "part")
        for part in PARTS:
            fault.add_metric([part], part in turn.faults)
        yield from (state, fault)
        yield _gauge("lane_open", "1 if the lane is wanted open.", turn.open)
        yield _gauge("loop_age_seconds", "Since the loop last turned.", now - turn.now)
        yield _gauge(
            "newest_frame_age_seconds", "Since the newest good picture.", now - turn.fresh_at
        )
        dropped = CounterMetricFamily(
            "smile_gate_frames_dropped", "Frames replaced by a newer one before the loop took them."
        )
        dropped.add_metric([], turn.dropped)
        yield dropped
        yield _gauge("unwritten_events", "Events that wait for the log.", turn.unwritten)
        oldest = now if turn.oldest_unwritten is None else turn.oldest_unwritten
        yield _gauge("unwritten_age_seconds", "Age of the oldest of them.", now - oldest)
        if self._watchdog_s and turn.pinged_at is not None:
            silence = max(*self._silences, now - turn.pinged_at)
            yield _gauge("watchdog_limit_seconds", "Silence that ends the gate.", self._watchdog_s)
            yield _gauge(
                "watchdog_margin_seconds",
                "The limit less the longest silence of the last minute or two.",
                self._watchdog_s - silence,
            )


def _of_board(board: Board) -> Iterator[Metric]:
    """Metrics of the board; those that it does not report are left out."""
    known = {
        "temperature_celsius": ("Of the hottest sensor.", board.temperature),
        "load": ("Processes that ran or waited, mean of a minute.", board.load),
        "memory_bytes": ("Memory of the board.", board.memory_total),
        "memory_available_bytes": ("Memory that is left.", board.memory_available),
        "disk_free_bytes": ("Free on the log's disk.", board.disk_free),
        "disk_inodes_free": ("Files that can still be made there.", board.inodes_free),
        "disk_read_only": ("1 if the log's disk can only be read.", board.read_only),
        "up_seconds": ("Since the kernel started.", board.up_s),
        "clock_synchronised": ("1 if the clock is set by a server.", board.clock_synchronised),
    }
    for name, (text, value) in known.items():
        if value is not None:
            yield _gauge(f"board_{name}", text, value)
    if board.strain is not None:
        strain = _family("board_strain", "1 for what the firmware reports now, else 0.", "strain")
        for each in Strain:
            strain.add_metric([str(each)], each in board.strain)
        yield strain


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"smile_gate_{name}", text, value=float(value))


def _family(name: str, text: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"smile_gate_{name}", text, labels=[label])
