"""The Merkle tree over a log's events, of which the log keeps the right edge.

RFC 6962, section 2.1: a leaf is SHA-256(0 ‖ digest of an event), a node SHA-256(1 ‖ left ‖ right).
The first leaf is the `log_begun` event that gave the log its identity, which stands for all events
before it by the digest that it names; the event `begun + n` is leaf n. The right edge are the
roots of the full subtrees, the largest first: as many as the size has binary ones, at most 24 for
ten million events. It gives the root, and all that is needed to add a leaf.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

_BLOCK = 1024
"""Leaves that are hashed together, level by level: a power of two."""
HASH = 32
"""Bytes of a hash."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of the tree of one log."""

    log: bytes
    """The log's identity: 16 random bytes."""
    begun: int
    """Sequence number of the first leaf, the event `log_begun`."""
    size: int = 0
    """How many leaves there are."""
    hashes: tuple[bytes, ...] = ()
    """Roots of the full subtrees, the largest first."""

    @property
    def last(self) -> int:
        """Sequence number of the last leaf's event."""
        return self.begun + self.size - 1

    @property
    def root(self) -> bytes:
        """The tree's root; of no leaves it is the hash of nothing."""
        if not self.hashes:
            return sha256(b"").digest()
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = _node(left, root)
        return root

    def packed(self) -> bytes:
        """The hashes, one after the other, as the log keeps them."""
        return b"".join(self.hashes)

    def grown(self, digests: Iterable[bytes]) -> Edge:
        """The edge after these events were added."""
        size, hashes = self.size, list(self.hashes)
        for block in _blocks(digests, size):
            subtree, height = _subtree(block)
            while size >> height & 1:
                subtree = _node(hashes.pop(), subtree)
                height += 1
            hashes.append(subtree)
            size += len(block)
        return replace(self, size=size, hashes=tuple(hashes))


def unpacked(log: bytes, begun: int, size: int, packed: bytes) -> Edge:
    """An edge as it was kept.

    Raises ValueError where there aren't as many hashes as the size asks for.
    """
    if not (isinstance(log, bytes) and isinstance(packed, bytes)):
        raise ValueError("the edge of its tree isn't bytes")
    if len(log) != 16 or begun < 1 or size < 0 or len(packed) != HASH * size.bit_count():
        raise ValueError("the edge of its tree doesn't fit its size")
    hashes = tuple(packed[at : at + HASH] for at in range(0, len(packed), HASH))
    return Edge(log, begun, size, hashes)


def _blocks(digests: Iterable[bytes], size: int) -> Iterator[Sequence[bytes]]:
    """The digests in full subtrees: one by one up to a block's border, then in blocks."""
    block: list[bytes] = []
    for digest in digests:
        block.append(digest)
        if size % _BLOCK or len(block) == _BLOCK:
            size += len(block)
            yield block
            block = []
    for digest in block:
        yield [digest]


def _subtree(digests: Sequence[bytes]) -> tuple[bytes, int]:
    """The root of a full subtree, and its height."""
    level = [sha256(b"\0" + digest).digest() for digest in digests]
    height = 0
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs]
        height += 1
    return level[0], height


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()
