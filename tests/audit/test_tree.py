"""The tree's right edge gives the roots of RFC 6962."""

from __future__ import annotations

from hashlib import sha256

import pytest

from gate.audit.tree import Edge, unpacked

LOG = bytes(16)
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The test leaves of the Certificate Transparency project."""
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def plainly(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 section 2.1 defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    cut = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\1" + plainly(leaves[:cut]) + plainly(leaves[cut:])).digest()


@pytest.mark.parametrize("size", ROOTS)
def test_the_published_roots(size: int) -> None:
    """The roots of the published test leaves are the published ones."""
    assert Edge(LOG, 1).grown(LEAVES[:size]).root.hex() == ROOTS[size]


@pytest.mark.parametrize("size", [1, 2, 3, 63, 1023, 1024, 1025, 2500, 3072])
def test_however_it_grew(size: int) -> None:
    """Leaf by leaf, at once, or in two goes: the root is that of the definition."""
    leaves = [sha256(bytes([number & 255, number >> 8])).digest() for number in range(size)]
    expected = plainly(leaves)
    one_by_one = Edge(LOG, 1)
    for leaf in leaves:
        one_by_one = one_by_one.grown([leaf])
    assert one_by_one.root == expected
    assert Edge(LOG, 1).grown(leaves) == one_by_one
    assert Edge(LOG, 1).grown(leaves[: size // 3]).grown(leaves[size // 3 :]) == one_by_one
    assert len(one_by_one.hashes) == size.bit_count()


def test_an_edge_is_kept_and_read_back() -> None:
    """What the log keeps of an edge gives the edge again; a part of it is refused."""
    edge = Edge(LOG, 7).grown(LEAVES[:5])
    assert unpacked(LOG, 7, 5, edge.packed()) == edge
    for packed in (edge.packed()[:-1], b"", edge.packed() + bytes(32)):
        with pytest.raises(ValueError, match="doesn't fit"):
            unpacked(LOG, 7, 5, packed)
