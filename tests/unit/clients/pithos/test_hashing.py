"""Hashes of blocks and objects, against vectors that were computed elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.clients.errors import ClientError
from pelagos.clients.pithos.hashing import block_hash, check_algorithm, top_hash, zero_hash
from pelagos.clients.pithos.hashmap import BlockRule, HashMap, hash_names

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def blocks(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


def top(data, size=4, algorithm="sha256"):
    return top_hash([block_hash(one, algorithm) for one in blocks(data, size)], algorithm)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", EMPTY),
        (b"abcd", "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"),
        (b"abcdefgh", "7d5473712172f9ec1494baa03da3d8734d12d385d1ca6340856771c3d93382e6"),
        (b"abcdefghij", "18374008371944fcd365918bfd1187d4edcaaad1ce8dc23e746347129b1f22d1"),
        (
            b"abcdefghijklmnopqr",
            "6abcb011c8afa5d85393fb0508b78ff6ef4107e02540fae9ad8a6b3c124bcd88",
        ),
        (
            b"ab\0\0\0\0\0\0\0cd\0",
            "dbc57dc8f17baa9e9bb53c8d5fafb28723752e8d86c149cd77c1cfc68c4ab874",
        ),
        (b"aaaaaaaabbbb", "b7768146f0cdf3da31686871f709b0947ce0031c754f9f51e91b5f83a248b891"),
    ],
)
def test_objects_have_the_known_hashes(data, wanted):
    assert top(data) == wanted


def test_blocks_lose_nul_bytes_at_their_ends_only():
    assert block_hash(b"ab\0\0") == (
        "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"
    )
    assert block_hash(b"\0cd\0") == (
        "608631e10aacbc7a8f477d83266ada03ef2cca759bbd7ca8f9cc35e04696bbad"
    )
    assert block_hash(bytes(4)) == zero_hash() == EMPTY


def test_another_algorithm():
    assert top(b"abcdefghij", 4, "sha1") == "170836c5d6da54677bb8de47548563ceaaa0553b"


def test_blocks_of_the_usual_size():
    data = bytes(range(256)) * 40960
    assert top(data, 4 * 1024 * 1024) == (
        "7936906f071f1e3cb589ac42995ef881be61dacd10d6b73e5cfd9c28f2997557"
    )


@pytest.mark.parametrize("name", ["", "md17", "shake_128"])
def test_an_algorithm_that_cannot_be_computed_is_refused(name):
    with pytest.raises(ClientError):
        check_algorithm(name)


@given(data=st.binary(max_size=40), size=st.integers(1, 9), zeros=st.integers(0, 9))
def test_zeros_behind_the_end_within_the_last_block_do_not_count(data, size, zeros):
    room = -len(data) % size
    assert top(data, size) == top(data + bytes(min(zeros, room)), size)


def test_a_hash_map_that_contradicts_itself_is_refused():
    good = {"block_size": 4, "block_hash": "sha256", "bytes": 5, "hashes": ["ab", "CD"]}
    assert HashMap.of(good).hashes == ("ab", "cd")
    for wrong in (
        {**good, "hashes": ["ab"]},
        {**good, "bytes": "5"},
        {**good, "bytes": -1},
        {**good, "bytes": True},
        {**good, "block_size": 0},
        {**good, "block_size": None},
        {**good, "block_hash": "rot13"},
        {**good, "hashes": ["ab", 7]},
        {**good, "hashes": ["ab", "xy"]},
        {**good, "hashes": {"ab": 1, "cd": 2}},
        [good],
        None,
    ):
        with pytest.raises(ClientError):
            HashMap.of(wrong)


def test_an_empty_object_has_no_blocks_whatever_the_server_lists():
    for hashes in ([], [EMPTY], None):
        told = {"block_size": 4, "block_hash": "sha256", "bytes": 0, "hashes": hashes}
        assert HashMap.of(told).hashes == ()


def test_missing_blocks_are_found_once_each():
    hashmap = HashMap(BlockRule(4, "sha256"), 14, ("aa", "bb", "aa", "cc"))
    assert hashmap.first_places(["cc", "aa", "aa"]) == [0, 3]
    with pytest.raises(ClientError, match="not of this object"):
        hashmap.first_places(["dd"])


@pytest.mark.parametrize("answer", ["text", {"a": "b"}, [None], [""], ["abc"], [["ab"]]])
def test_what_is_no_list_of_hashes_is_refused(answer):
    with pytest.raises(ClientError):
        hash_names(answer)
