"""Formats of an export, and what the suffix of its file says of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from gate.errors import StoreError


class Format(StrEnum):
    """File formats of an export."""

    CSV = "csv"
    SQLITE = "sqlite"
    PARQUET = "parquet"


SUFFIXES = {
    ".csv": Format.CSV,
    ".db": Format.SQLITE,
    ".sqlite": Format.SQLITE,
    ".sqlite3": Format.SQLITE,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}
"""A file's suffix → what is in it."""


def format_of(target: Path, asked: Format | None) -> Format:
    """The format of an export: what its suffix says, or what was asked for.

    Raises StoreError where they differ, or where nothing says it.
    """
    by_suffix = SUFFIXES.get(target.suffix.lower())
    if asked is not None and by_suffix not in (None, asked):
        raise StoreError(
            f"export {target}: {target.suffix} is a suffix of {by_suffix}, and {asked} was asked"
            " for; choose another suffix, or leave --format out"
        )
    form = asked or by_suffix
    if form is None and target.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise StoreError(
            f"export {target}: spreadsheets open CSV: {target.with_suffix('.csv').name}"
            " --for-spreadsheet"
        )
    if form is None:
        raise StoreError(
            f"export {target}: its suffix says no format; name it .csv, .db or .parquet, or say"
            " --format"
        )
    return form
