"""Changes of a settings' file that keep what people wrote in it: comments, order, quotes."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from gate.config import Config
from gate.config.changes import Change, changed, flat
from gate.config.load import load
from gate.errors import ConfigError
from gate.system import durable, resources

DEFAULTS = "config/gate.yaml"


@dataclass(frozen=True, slots=True)
class Draft:
    """A settings' file with changes that are not written yet."""

    path: Path
    found: bytes | None
    """What the file has; None where there is none."""
    text: str
    """The same as text; of a new file the commented defaults."""
    before: Config
    """The settings of that text."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Changes by their settings' names: ``{"relay.pin": 22}``."""

    @classmethod
    def of(cls, path: Path) -> Draft:
        """The file as it is, or the commented defaults where there is none.

        Raises `ConfigError`: a file with mistakes is mended by hand first.
        """
        path = path.resolve()  # a link stays a link
        if not path.exists():
            return cls(path, None, resources.path(DEFAULTS).read_text(encoding="utf-8"), Config())
        before, found = load(path), path.read_bytes()
        return cls(path, found, found.decode("utf-8-sig").replace("\r\n", "\n"), before)

    def having(self, **values: Any) -> Draft:
        """The draft with more changes, named ``relay__pin``; what the file has already is none."""
        known = flat(self.before)
        more = {name.replace("__", "."): value for name, value in values.items()}
        differ = {
            name: value for name, value in {**self.values, **more}.items() if value != known[name]
        }
        return replace(self, values=differ)

    def changes(self) -> tuple[Change, ...]:
        """What is another value than before; passwords in addresses are masked."""
        known = flat(self.before)
        return changed({name: known[name] for name in self.values}, self.values)

    def config(self) -> Config:
        """The settings with the changes, as a gate would read them. Raises `ConfigError`."""
        with self._trial() as (config, _):
            return config

    def write(self, now: datetime) -> Path | None:
        """Put the changes into the file; the path of the copy of what was there before, if any.

        The file keeps its owner and its rights. Raises `ConfigError`; then it is as it was.
        """
        if self.found is not None and not self.values:
            return None
        with self._trial() as (_, trial), _explained(self.path):
            copy = None
            trial.chmod(0o644)
            if (self.path.read_bytes() if self.path.exists() else None) != self.found:
                raise ConfigError(f"{self.path}: somebody has changed it meanwhile; begin again")
            if self.found is not None:
                was = self.path.stat()
                trial.chmod(was.st_mode & 0o7777)
                if os.geteuid() == 0:
                    os.chown(trial, was.st_uid, was.st_gid)
                copy = _kept(self.path, now)
            durable.publish(trial, self.path)
            return copy

    @contextmanager
    def _trial(self) -> Iterator[tuple[Config, Path]]:
        """The changed file beside the old one, so that relative paths mean the same; read back."""
        trial = self.path.with_name(f"{self.path.name}.setup")
        try:
            text = self._edited()
            with _explained(self.path):
                durable.write(trial, text.encode(), mode=durable.PRIVATE)
            try:
                config = load(trial)
            except ConfigError as error:
                raise ConfigError(str(error).replace(str(trial), str(self.path))) from None
            if flat(config) != {**flat(self.before), **self.values}:
                raise ConfigError(
                    f"{self.path}: can't be changed here without changing more than"
                    f" {', '.join(self.values)}; write that by hand"
                )
            yield config, trial
        finally:
            trial.unlink(missing_ok=True)

    def _edited(self) -> str:
        """The changed text, its lines ended as they were."""
        try:
            text = edited(self.text, self.values)
        except ValueError as error:
            said = " ".join(str(error).split())
            raise ConfigError(
                f"{self.path}: can't be changed here ({said}); by hand it can"
            ) from None
        return text.replace("\n", "\r\n") if b"\r\n" in (self.found or b"") else text


def edited(text: str, values: Mapping[str, Any]) -> str:
    """The text of a file with these settings in it, by their names; all else is as it was.

    Where a section is missing, it is added at the end. Raises ValueError for a text that the round
    trip cannot make.
    """
    if not values:
        return text
    from ruamel.yaml import YAML  # half a second on a Pi: only where a file is changed
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # lines stay lines
    if found := re.search(r"^\w+:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*( +)\w", text, re.MULTILINE):
        yaml.map_indent = len(found[1])
    yaml.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    try:
        tree = yaml.load(text)
    except (YAMLError, AssertionError) as error:  # the latter for %YAML 1.3
        raise ValueError(str(error)) from error
    head = ""
    if tree is None:
        tree, head = CommentedMap(), f"{text.rstrip()}\n" if text.strip() else ""
    for name, value in values.items():
        section, _, entry = name.partition(".")
        if tree.get(section) is None:
            tree[section] = CommentedMap()
        old = tree[section].get(entry)
        if isinstance(value, list) and isinstance(old, CommentedSeq):
            old[:] = value  # in the style that it has
        elif isinstance(value, list):
            new = CommentedSeq(value)
            new.fa.set_flow_style()
            tree[section][entry] = new
        else:
            tree[section][entry] = value
    out = io.StringIO()
    yaml.dump(tree, out)
    # A section whose settings are all commented out has no value, and null is none for it.
    return head + re.sub(r"^(\w+): null\b", r"\1:", out.getvalue(), flags=re.MULTILINE)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise ConfigError(
            f"{path}: can't be written by this user; put sudo before the command"
        ) from None
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no folder {path.parent}; make it first") from None
    except OSError as error:
        raise ConfigError(
            f"{path}: can't be written: {error.strerror}; check the disk and the path"
        ) from None


def _kept(path: Path, now: datetime) -> Path:
    """A second name for the file's content, which no later copy takes. Raises OSError."""
    name = f"{path.name}.before-{now:%Y%m%dT%H%M%SZ}"
    for number in count():
        copy = path.with_name(f"{name}-{number}" if number else name)
        try:
            os.link(path, copy)
        except FileExistsError:
            continue
        return copy
    raise AssertionError  # there are more numbers than copies
