"""Hostile and broken settings: each is one line that says where and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.config.load import LONGEST, MOST_LINES, load
from gate.config.yaml_file import MAX_BYTES, load_tree
from gate.errors import ConfigError

DEFAULT = (Path(__file__).parents[2] / "config" / "gate.yaml").read_bytes()


def refusal(tmp_path: Path, data: bytes) -> str:
    """What is said of a file, without its name."""
    path = tmp_path / "gate.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(path)
    (line,) = str(caught.value).splitlines()
    return line.removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"relay: &r\n  pin: *r\n", "1: anchors and aliases (& and *) have no meaning here"),
        (b"a: 1\nb: *a\n", "2: anchors and aliases"),
        (b"gate:\n  id: !!str 5\n", "2: tag 'tag:yaml.org,2002:str' has no meaning here"),
        (b"? [a, b]\n: c\n", "1: the name of a setting must be a word"),
        (b"'': c\n", "1: the name of a setting must be a word"),
        (b"~: c\n", "1: unknown setting '~'"),
        (b"gate: {id: a}\n1: 2\n", "2: unknown setting '1'"),
        (b"\nrelay: {pin: " + b"1" * 5000 + b"}\n", "2: 'relay.pin' is a number of 5000 digits"),
        (b"relay: {hold_s: 0." + b"1" * 5000 + b"}\n", "1: 'relay.hold_s' is a number of 5001"),
        (b"store: {keep_days: 1e999}\n", "1: 'store.keep_days' is a number beyond all limits"),
        (b"store: {keep_days: 1e300}\n", "1: 'store.keep_days' must be at most"),
        (b"gate:\n  id: a\0b\n", "2: has the character U+0000, which cannot be seen; delete it"),
        (b'gate:\n  id: "a\\0b"\n', "2: 'gate.id' has the character U+0000"),
        (b'gate:\n  id: "a\\nb"\n', "2: 'gate.id' has the character U+000A"),
        (b'gate:\n  id: "\\ud800"\n', "2: 'gate.id' has the character U+D800"),
        (b'gate:\n  id: "\\UFFFFFFFF"\n', "2: a number in an escape"),
        (b"%YAML " + b"9" * 5000 + b".1\n---\n", "1: a number in an escape or in a di"),
        ("gate: {id: a}\n".encode("utf-16"), "1: cannot be read as text: it is UTF-16; save it as"),
        (b"gate:\n  id: caf\xe9\n", "2: cannot be read as text: byte 0xe9 is no UTF-8; save it"),
        (b"gate: {id: a}\n" * 5000, "1: larger than 64 kB, so these are no settings"),
        (b"gate: {id: a}\n---\ngate: {id: b}\n", "2: a second document begins here"),
    ],
)
def test_what_settings_do_not_need_is_refused_with_its_line(
    tmp_path: Path, data: bytes, said: str
) -> None:
    """Aliases, tags, strange keys, endless numbers, other encodings: one line that says where."""
    assert refusal(tmp_path, data).startswith(said)


@pytest.mark.parametrize("start", [b"", b"a:\n  "])
@pytest.mark.parametrize("sign", [b"[", b"{", b"- ", b"? ", b"[a: ", b"{a: "])
def test_depth_is_refused_before_it_costs_anything(
    tmp_path: Path, sign: bytes, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 3,000 brackets a few are looked at: PyYAML's time grows with their number's square."""
    seen = 0
    fetch = yaml.SafeLoader.fetch_more_tokens

    def counted(loader: yaml.SafeLoader) -> None:
        nonlocal seen
        seen += 1
        fetch(loader)

    monkeypatch.setattr(yaml.SafeLoader, "fetch_more_tokens", counted)
    assert "nest deeper than 16 levels" in refusal(tmp_path, start + sign * 3000)
    assert seen < 100


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Windows' editors write one, and it means nothing."""
    path = tmp_path / "gate.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + DEFAULT)
    assert load(path).gate.id == "gate-1"


def test_the_default_file_is_far_from_every_limit() -> None:
    """A technician who comments everything does not meet them."""
    assert len(DEFAULT) * 5 < MAX_BYTES


def test_a_file_of_mistakes_is_a_screen_of_lines(tmp_path: Path) -> None:
    """The first mistakes are told, each cut to a line, and the number of the others."""
    path = tmp_path / "gate.yaml"
    path.write_text("".join(f"k{number}:\n" for number in range(500)) + f"gate: {'x' * 5000}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == f"{path}:21: and 481 more; is this the right file?"
    path.write_text(f"gate: {'x' * 5000}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert len(str(caught.value)) <= len(f"{path}:1: ") + LONGEST


PIECES = (
    *(b"&a ", b"*a", b"!!int ", b"!x ", b"<<: ", b"? ", b"- ", b"[", b"]", b"{", b"}", b": "),
    *(b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe9", b"\x85", b"\t", b"\r", b"\n", b"|\n", b">-\n"),
    *(b'"\\UFFFFFFFF"', b'"\\ud800"', b'"\\x00"', b"'", b'"', b"%YAML 1.1\n", b"---\n", b"...\n"),
    *(b"1" * 5000, b"1e999", b"-.inf", b".nan", b"09:00Z", b"2026-07-01", b"~", b"null", b"0x10"),
)
"""What a broken or hostile file may have at any place."""

EDITS = st.lists(
    st.tuples(
        st.integers(0, len(DEFAULT)), st.integers(0, 30), st.sampled_from(PIECES) | st.binary()
    ),
    max_size=6,
)


@pytest.mark.slow
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=EDITS, alone=st.booleans())
def test_no_bytes_make_a_traceback(
    tmp_path: Path, edits: list[tuple[int, int, bytes]], alone: bool
) -> None:
    """Settings load, or are refused in lines that begin with the file."""
    data = b"" if alone else DEFAULT
    for at, length, piece in edits:
        data = data[:at] + piece + data[at + length :]
    path = tmp_path / "gate.yaml"
    path.write_bytes(data)
    try:
        load(path)
    except ConfigError as error:
        lines = str(error).split("\n")
        assert all(line.startswith(f"{path}:") for line in lines)
        assert all(line.isprintable() for line in lines)


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """A tree knows where each value stands."""
    path = tmp_path / "gate.yaml"
    path.write_text("a:\n  b: 1\n  c:\n  - 2\n")
    tree = load_tree(path)
    assert tree.value == {"a": {"b": 1, "c": [2]}}
    assert [tree.line(place) for place in (("a",), ("a", "b"), ("a", "c", 0))] == [1, 2, 4]
