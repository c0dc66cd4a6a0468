"""The hashes of blocks and objects, by known examples."""

from __future__ import annotations

import pytest

from pelagos.box.objects.hashmap import block_count, block_digest, top_hash

TOPS = {
    (): "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    (b"abcd",): "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589",
    (b"abcd", b"efgh"): "7d5473712172f9ec1494baa03da3d8734d12d385d1ca6340856771c3d93382e6",
    (b"abcd", b"efgh", b"ij"): "18374008371944fcd365918bfd1187d4edcaaad1ce8dc23e746347129b1f22d1",
    (b"ab\0\0", bytes(4), b"\0cd\0"): (
        "dbc57dc8f17baa9e9bb53c8d5fafb28723752e8d86c149cd77c1cfc68c4ab874"
    ),
    (b"abcd", b"efgh", b"ijkl", b"mnop", b"qr"): (
        "6abcb011c8afa5d85393fb0508b78ff6ef4107e02540fae9ad8a6b3c124bcd88"
    ),
}


@pytest.mark.parametrize("blocks", TOPS)
def test_the_hash_above_blocks(blocks: tuple[bytes, ...]) -> None:
    assert top_hash([block_digest(block) for block in blocks]) == TOPS[blocks]


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 1), (4_194_304, 1), (4_194_305, 2)])
def test_how_many_blocks_hold_an_object(size: int, count: int) -> None:
    assert block_count(size) == count
