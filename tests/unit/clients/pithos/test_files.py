"""Files in Pithos, up and down, on a small strict server in memory."""

import io
import os
import random
import tempfile
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.clients.errors import ClientError, Forbidden, PreconditionFailed
from pelagos.clients.pithos import PithosClient
from pelagos.core.clock import ManualClock
from pelagos.core.http import HttpProtocolError, Response
from support.fake_pithos import FakePithos

CONTENTS = [
    b"",
    b"a",
    b"abc",
    b"abcd",
    b"abcde",
    b"abcdefgh",
    b"abcdefghx",
    bytes(1),
    bytes(4),
    bytes(9),
    b"aaaaaaaabbbb",
    b"ab\0\0ab",
    b"ab\0\0cdefab",
    b"\0\0\0a\0\0\0\0",
    b"aaaa\0\0\0\0aaaa\0",
]


def make(server=None, **more):
    server = server or FakePithos(**more)
    client = PithosClient(server.url, "token", "me", "c", http=server, dialect="synnefo")
    client.clock = ManualClock()
    if "me" not in server.accounts:
        client.create_container("c")
    return server, client


class Steps:
    """A progress callback that counts."""

    def __init__(self):
        self.total = None
        self.steps = -1

    def __call__(self, total):
        self.total = total
        while True:
            self.steps += 1
            yield


def file_of(data):
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    file.write(data)
    file.seek(0)
    return file


@pytest.mark.parametrize("data", CONTENTS, ids=repr)
def test_what_goes_up_comes_down(data):
    _server, client = make()
    hashing, sending, receiving = Steps(), Steps(), Steps()
    with file_of(data) as file:
        client.upload_object("o", file, hash_cb=hashing, upload_cb=sending)
    assert client.download_to_string("o") == data
    with file_of(b"former content, longer than what comes") as file:
        client.download_object("o", file, receiving)
        file.seek(0)
        assert file.read() == data
    blocks = -(-len(data) // 4)
    assert [one.total for one in (hashing, sending, receiving)] == [blocks] * 3
    assert [one.steps for one in (hashing, sending, receiving)] == [blocks] * 3


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(st.sampled_from([b"a", b"b", b"\0", b"\0\0\0\0", b"wxyz"]), max_size=30).map(
        b"".join
    ),
    size=st.integers(1, 9),
    workers=st.integers(1, 6),
)
def test_any_content_in_any_blocks_by_any_workers(data, size, workers):
    _server, client = make(block_size=size)
    client.upload_object("o", io.BytesIO(data), workers=workers)
    out = io.BytesIO()
    client.download_object("o", out, workers=workers)
    assert out.getvalue() == data
    ordered = []
    pipe = type(
        "Pipe", (), {"write": lambda _, piece: ordered.append(bytes(piece)) or len(piece)}
    )()
    client.stream_down("o", pipe)
    assert b"".join(ordered) == data


@pytest.mark.parametrize("data", CONTENTS, ids=repr)
def test_servers_that_tag_by_md5_are_no_others(data):
    server, client = make(tags_by_md5=True)
    client.upload_object("o", data)
    with file_of(data[:5]) as file:
        client.download_object("o", file, resume=True)
        file.seek(0)
        assert file.read() == data
    sent = len(server.posted())
    tag = client.get_object_info("o")["etag"]
    client.upload_object("o", data, if_etag_match=tag)
    assert len(server.posted()) == sent
    with pytest.raises(PreconditionFailed):
        client.upload_object("o", data, if_etag_match="0" * 32)
    client.append_object("o", b"more")
    client.overwrite_object("o", len(data), len(data) + 1, b"le")
    assert client.download_to_string("o") == data + b"lere"


def test_the_same_again_sends_nothing_and_one_changed_block_sends_one():
    server, client = make()
    data = bytes(random.Random(1).randbytes(40))
    client.upload_object("o", data)
    assert len(server.posted()) == 10
    client.upload_object("other", data)
    assert len(server.posted()) == 10
    changed = data[:17] + bytes([data[17] ^ 1]) + data[18:]
    client.upload_object("o", changed)
    assert len(server.posted()) == 11
    assert client.download_to_string("o") == changed


def test_repeated_blocks_are_sent_once_and_fetched_once():
    server, client = make()
    client.upload_object("o", b"aaaa" * 50 + b"bbbb" * 50)
    assert sorted(server.posted()) == [b"aaaa", b"bbbb"]
    client.download_object("o", io.BytesIO())
    assert sum("Range" in one.headers for one in server.requests) == 2


def test_blocks_of_zeros_are_not_fetched():
    server, client = make()
    client.upload_object("o", bytes(41))
    assert client.download_to_string("o") == bytes(41)
    assert not any("Range" in one.headers for one in server.requests)


def test_both_requests_say_all_that_belongs_to_the_object():
    server, client = make()
    client.upload_object(
        "o",
        b"abcdefgh",
        content_type="text/x",
        content_encoding="enc",
        content_disposition="attachment",
        sharing={"read": ["u1", "u2"], "write": ["u3"]},
        public=True,
        metadata={"Größe": "50 %"},
    )
    puts = [one for one in server.requests if one.method == "PUT" and "hashmap" in one.url]
    assert len(puts) == 2
    for one in puts:
        assert one.url.endswith("/me/c/o?format=json&hashmap")
        wanted = {
            "Content-Type": "text/x",
            "Content-Encoding": "enc",
            "Content-Disposition": "attachment",
            "X-Object-Sharing": "read=u1,u2;write=u3",
            "X-Object-Public": "true",
            "X-Object-Meta-Gr%C3%B6%C3%9Fe": "50 %25",
        }
        assert wanted.items() <= one.headers.items()
    assert client.get_object_meta("o") == {"x-object-meta-größe": "50 %"}


def test_nothing_is_said_of_sharing_and_publicness_unless_asked():
    server, client = make()
    client.upload_object("o", b"abcdefgh")
    client.set_object_meta("o", {"a": "b"})
    client.append_object("o", b"x")
    client.overwrite_object("o", 0, 1, b"xy")
    client.truncate_object("o", 3)
    client.copy_object("c", "o", "c", "p")
    for one in server.requests:
        assert not {"X-Object-Public", "X-Object-Sharing"} & one.headers.keys()


def test_blocks_go_through_ones_own_container_and_the_object_to_the_others():
    server, client = make()
    _, other = make(server)
    other.account = "you"
    other.create_container("c")
    client.upload_object("o", b"abcdefgh", target_account="you")
    assert server.count("POST", "/me/c?") == 2
    assert server.count("PUT", "/you/c/o?") == 2
    assert server.count("HEAD", "/you/c") == 1
    assert client.account == "me"
    assert other.download_to_string("o") == b"abcdefgh"


def test_only_if_there_is_none_yet():
    _server, client = make()
    client.upload_object("o", b"abcd", if_not_exist=True)
    with pytest.raises(PreconditionFailed):
        client.upload_object("o", b"efgh", if_not_exist=True)
    assert client.download_to_string("o") == b"abcd"


def test_only_if_it_is_that_one():
    _server, client = make()
    client.upload_object("o", b"abcd")
    etag = client.get_object_info("o")["etag"]
    client.upload_object("o", b"efgh", if_etag_match=etag)
    with pytest.raises(PreconditionFailed):
        client.upload_object("o", b"ijkl", if_etag_match=etag)
    assert client.download_to_string("o") == b"efgh"


def test_a_stream_and_a_part_of_a_file_can_be_sent():
    _server, client = make()
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as out:
        out.write(b"through a pipe")
    with os.fdopen(reading, "rb") as file:
        client.upload_object("o", file)
    assert client.download_to_string("o") == b"through a pipe"
    with file_of(b"0123456789") as file:
        file.seek(3)
        client.upload_object("o", file, size=5)
        assert file.tell() == 8
    assert client.download_to_string("o") == b"34567"


def test_a_file_that_is_too_short_or_open_as_text_is_refused():
    server, client = make()
    with file_of(b"abc") as file, pytest.raises(ClientError, match="has 3"):
        client.upload_object("o", file, size=4)
    with pytest.raises(ClientError, match="text"):
        client.upload_object("o", io.StringIO("abc"))
    assert not server.count("PUT", "hashmap")


def test_hashes_are_those_of_the_server():
    server, client = make()
    cache = {}
    client.upload_object("o", b"abcd", container_info_cache=cache)
    client.upload_object("p", b"abcd", container_info_cache=cache)
    assert server.count("HEAD", "/me/c") == 1
    assert cache["c"]["x-container-block-size"] == "4"


# ---- what goes wrong on the way up


def test_blocks_that_fail_are_sent_again_and_only_they():
    failures = {"left": 5}

    def fault(request):
        if request.method == "POST" and failures["left"]:
            failures["left"] -= 1
            return Response(502, {}, b"")
        return None

    server, client = make(fault=fault)
    client.upload_object("o", b"abcdefghijkl", workers=2)
    assert client.download_to_string("o") == b"abcdefghijkl"
    assert len(server.posted()) == 5 + 3


def test_an_upload_that_gets_nowhere_ends():
    def fault(request):
        return Response(503, {}, b"") if request.method == "POST" else None

    _server, client = make(fault=fault)
    with pytest.raises(ClientError, match="3 blocks failed to upload") as caught:
        client.upload_object("o", b"abcdefghijkl")
    assert len(caught.value.details) == 3
    assert all(isinstance(one, str) and len(one) == 64 for one in caught.value.details)
    assert caught.value.status == 503
    with pytest.raises(ClientError):
        client.get_object_info("o")


def test_a_server_that_never_has_enough_is_not_fed_for_ever():
    def fault(request):
        if "hashmap" in request.url:
            return Response(
                409,
                {},
                b'["88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"]',
            )
        return None

    server, client = make(fault=fault)
    with pytest.raises(ClientError, match="asks again"):
        client.upload_object("o", b"abcd")
    assert server.count("PUT", "hashmap") <= 8


@pytest.mark.parametrize("body", [b"", b"[]", b'["00"]', b'{"a": 1}', b"<html>", b"null", b"[7]"])
def test_a_block_counts_as_sent_only_when_the_server_names_it(body):
    lies = {"left": 2}

    def fault(request):
        if request.method == "POST" and lies["left"]:
            lies["left"] -= 1
            return Response(202, {}, body)
        return None

    server, client = make(fault=fault)
    client.upload_object("o", b"abcd")
    assert client.download_to_string("o") == b"abcd"
    assert len(server.posted()) == 3


def test_a_conflict_of_another_kind_is_an_error():
    def fault(request):
        if "hashmap" in request.url:
            return Response(409, {}, b'{"conflict": {"message": "no", "code": 409}}')
        return None

    _server, client = make(fault=fault)
    with pytest.raises(ClientError, match="conflict") as caught:
        client.upload_object("o", b"abcd")
    assert caught.value.status == 409


def test_a_refusal_ends_it_at_once():
    def fault(request):
        return Response(403, {}, b"") if request.method == "POST" else None

    server, client = make(fault=fault)
    with pytest.raises(Forbidden):
        client.upload_object("o", b"abcd" * 10 + b"efgh" * 10 + b"ijkl", workers=1)
    assert len(server.posted()) == 1


def test_a_file_that_changes_meanwhile_is_not_stored():
    with file_of(b"abcdefgh") as file:

        def fault(request):
            if "hashmap" in request.url:
                os.pwrite(file.fileno(), b"X", 5)

        server, client = make(fault=fault)
        with pytest.raises(ClientError, match="changed while"):
            client.upload_object("o", file)
    assert not server.accounts["me"]["c"].current


def test_memory_is_bounded_by_workers():
    server, client = make()
    lock, now, most = threading.Lock(), 0, 0
    barrier = threading.Semaphore(0)

    def fault(request):
        nonlocal now, most
        if request.method != "POST":
            return
        with lock:
            now += 1
            most = max(most, now)
        barrier.acquire(timeout=0.002)
        with lock:
            now -= 1
        return

    server.fault = fault
    client.upload_object("o", random.Random(2).randbytes(400), workers=3)
    assert 1 < most <= 3


# ---- and on the way down


def test_an_interrupted_download_goes_on():
    server, client = make()
    data = random.Random(3).randbytes(98)
    client.upload_object("o", data)
    left = {"n": 11}

    def fault(request):
        if "Range" in request.headers:
            left["n"] -= 1
            if left["n"] < 0:
                raise HttpProtocolError("cut", url=request.url, retry_after=None)

    server.fault = fault
    with tempfile.TemporaryFile() as file:
        with pytest.raises(ClientError):
            client.download_object("o", file, workers=2)
        server.fault = None
        server.requests.clear()
        file.seek(0)
        client.download_object("o", file, resume=True)
        file.seek(0)
        assert file.read() == data
    assert sum("Range" in one.headers for one in server.requests) == 25 - 11


def test_resume_is_a_synchronisation():
    server, client = make()
    client.upload_object("o", b"abcdefghijklmnop")
    with file_of(b"abcdXXXXijklmnopqrstuvw") as file:
        client.download_object("o", file, resume=True)
        file.seek(0)
        assert file.read() == b"abcdefghijklmnop"
    assert sum("Range" in one.headers for one in server.requests) == 1


def test_all_blocks_are_of_one_version_though_it_changes_meanwhile():
    server, client = make()
    client.upload_object("o", b"abcdefghijklmnop")

    def fault(request):
        if "Range" in request.headers and server.number == 1:
            _, other = make(server)
            server.fault = None
            other.upload_object("o", b"ABCDEFGHIJKLMNOP")

    server.fault = fault
    assert client.download_to_string("o", workers=1) == b"abcdefghijklmnop"
    assert client.download_to_string("o") == b"ABCDEFGHIJKLMNOP"


def test_a_version_that_vanishes_meanwhile_is_told():
    server, client = make()
    client.upload_object("o", b"abcdefghijklmnop")

    def fault(request):
        if "Range" in request.headers:
            server.accounts["me"]["c"].objects["o"].clear()

    server.fault = fault
    with pytest.raises(PreconditionFailed, match="changed while"):
        client.download_object("o", io.BytesIO())


def test_a_damaged_block_is_asked_for_again_and_never_kept():
    server, client = make()
    client.upload_object("o", b"abcdefgh")
    lies = {"left": 3}

    def fault(request):
        if "Range" in request.headers and lies["left"]:
            lies["left"] -= 1
            return Response(206, {}, b"XXXX"[: 4 - lies["left"] % 2])
        return None

    server.fault = fault
    assert client.download_to_string("o") == b"abcdefgh"
    lies["left"] = 10_000
    with pytest.raises(ClientError, match="did not arrive"):
        client.download_to_string("o")


def test_a_hash_map_of_something_else_is_refused():
    server, client = make()
    client.upload_object("o", b"abcdefgh")

    def fault(request):
        if "hashmap" in request.url:
            server.fault = None
            answer = server.send(request)
            return Response(200, answer.headers, answer.body.replace(b'"88d4', b'"88d5'))
        return None

    server.fault = fault
    with pytest.raises(ClientError, match="does not belong to it"):
        client.download_to_string("o")


@pytest.mark.parametrize("status", [304, 412])
def test_what_was_not_modified_leaves_the_file_alone(status):
    _server, client = make()
    client.upload_object("o", b"abcd")
    etag = client.get_object_info("o")["etag"]
    condition = {"if_none_match": etag} if status == 304 else {"if_match": "0" * 64}
    assert client.get_object_hashmap("o", **condition) == {}
    with file_of(b"mine") as file:
        assert client.download_object("o", file, **condition) == {}
        file.seek(0)
        assert file.read() == b"mine"
    assert client.download_to_string("o", **condition) == b""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2-5", b"cdef"),
        ("-3", b"nop"),
        ("14-", b"op"),
        ("1", b"ab"),
        ("0-3,8-9", b"abcdij"),
        ("0-99", b"abcdefghijklmnop"),
    ],
)
def test_ranges_in_memory_and_in_a_file(text, wanted):
    _server, client = make()
    client.upload_object("o", b"abcdefghijklmnop")
    assert client.download_to_string("o", range_str=text) == wanted
    with file_of(b"................") as file:
        client.download_object("o", file, range_str=text)
        file.seek(0)
        found = file.read()
    assert len(found) == 16
    assert found.replace(b".", b"") == wanted
    assert all(one in (46, b"abcdefghijklmnop"[at]) for at, one in enumerate(found))


def test_a_file_open_to_append_gets_the_blocks_in_order(tmp_path):
    _server, client = make()
    client.upload_object("o", random.Random(4).randbytes(40))
    place = tmp_path / "f"
    place.write_bytes(b"before")
    with place.open("ab") as file:
        client.download_object("o", file)
    assert place.read_bytes() == b"before" + client.download_to_string("o")


def test_an_object_made_of_others_is_fetched_as_it_is():
    server, client = make()
    client.upload_object("o", b"abcdefgh")
    server.accounts["me"]["c"].current["o"].headers["X-Object-Manifest"] = "c/o/"
    out = io.BytesIO()
    client.download_object("o", out)
    assert out.getvalue() == b"abcdefgh"


def test_a_last_block_whose_hash_covers_what_was_cut_off_is_taken_when_it_comes_twice():
    server, client = make()
    client.upload_object("o", b"abcdefgh")
    server.accounts["me"]["c"].current["o"].size = 6
    assert client.download_to_string("o") == b"abcdef"


def test_headers_are_received():
    _server, client = make()
    client.upload_object("o", b"abcd", content_type="text/x")
    found = {}
    returned = client.download_object("o", io.BytesIO(), headers=found)
    assert found == returned
    assert found["content-type"] == "text/x"
    assert client.get_object_hashmap("o")["bytes"] == 4


def test_a_known_hash_map_is_not_asked_for_again():
    server, client = make()
    client.upload_object("o", b"abcdefgh")
    known = client.get_object_hashmap("o")
    info = (known["block_size"], known["block_hash"], known["bytes"], known["hashes"])
    before = server.count("GET", "hashmap")
    assert client.download_to_string("o", hashmap=known) == b"abcdefgh"
    assert client.download_to_string("o", remote_block_info=info) == b"abcdefgh"
    assert server.count("GET", "hashmap") == before


def test_progress_that_fails_or_ends_early_stops_nothing():
    _server, client = make()

    def failing(total):
        yield
        raise RuntimeError(total)

    client.upload_object("o", b"abcdefgh", hash_cb=failing, upload_cb=lambda total: iter([total]))
    assert client.download_to_string("o", lambda total: total / 0) == b"abcdefgh"


# ---- in place


def test_append_is_one_request_after_another_in_order():
    server, client = make()
    client.upload_object("o", b"ab", metadata={"a": "b"})
    steps = Steps()
    answers = client.append_object("o", io.BytesIO(b"0123456789"), steps)
    assert len(answers) == 3
    assert (steps.total, steps.steps) == (3, 3)
    assert client.download_to_string("o") == b"ab0123456789"
    posts = [one for one in server.requests if "Content-Range" in one.headers]
    assert {one.headers["Content-Range"] for one in posts} == {"bytes */*"}
    assert all(one.url.endswith("?format=json&update") for one in posts)
    assert client.get_object_meta("o") == {"x-object-meta-a": "b"}


@pytest.mark.parametrize("is_done", [True, False])
def test_an_append_whose_answer_is_lost_is_neither_lost_nor_doubled(is_done):
    server, client = make()
    client.upload_object("o", b"ab")

    def fault(request):
        if request.headers.get("Content-Range"):
            server.fault = None
            if is_done:
                server.send(request)
            raise HttpProtocolError("cut", url=request.url)

    server.fault = fault
    client.append_object("o", b"cdef")
    assert client.download_to_string("o") == b"abcdef"


def test_an_append_beside_another_is_told():
    server, client = make()
    client.upload_object("o", b"ab")

    def fault(request):
        if request.headers.get("Content-Range"):
            server.fault = None
            _, other = make(server)
            other.append_object("o", b"!")
            raise HttpProtocolError("cut", url=request.url)

    server.fault = fault
    with pytest.raises(ClientError, match="somebody else"):
        client.append_object("o", b"cdef")


def test_overwrite():
    _server, client = make()
    client.upload_object("o", b"abcdefghijkl")
    client.overwrite_object("o", 2, 10, io.BytesIO(b"123456789and more"))
    assert client.download_to_string("o") == b"ab123456789l"
    for start, end in ((13, 14), (-1, 2), (3, 2), (0, 13)):
        with pytest.raises(ClientError) as caught:
            client.overwrite_object("o", start, end, b"x" * 20)
        assert caught.value.status == 416


@pytest.mark.parametrize("size", [0, 1, 4, 5, 9])
def test_truncate(size):
    _server, client = make()
    client.upload_object("o", b"abcdefghi")
    client.truncate_object("o", size)
    assert client.download_to_string("o") == b"abcdefghi"[:size]
    client.truncate_object("o", size)
    with pytest.raises(ClientError):
        client.truncate_object("o", size + 1)


def test_in_one_request():
    _server, client = make()
    client.upload_object_unchunked("o", io.BytesIO(b"abcdef"), content_type="text/x")
    client.upload_object_unchunked("empty", b"")
    assert client.download_to_string("o") == b"abcdef"
    assert client.download_to_string("empty") == b""
    known = client.get_object_hashmap("o")
    text = repr(known).replace("'", '"').encode()
    client.upload_object_unchunked("p", io.BytesIO(text), withHashFile=True)
    assert client.download_to_string("p") == b"abcdef"
    with pytest.raises(ClientError, match="no hash map"):
        client.upload_object_unchunked("p", b"{}", withHashFile=True)


def test_many_files_at_once_by_one_client():
    _server, client = make()
    contents = {f"o{number}": random.Random(number).randbytes(60 + number) for number in range(8)}
    client.async_run(
        client.upload_object, [{"obj": name, "f": data} for name, data in contents.items()]
    )
    found = client.async_run(client.download_to_string, [{"obj": name} for name in contents])
    assert dict(zip(contents, found, strict=True)) == contents


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"null", b"<html>", b'{"bytes": 1}', b"{" * 999]
)
@pytest.mark.parametrize("word", ["hashmap", "version=list"])
def test_an_answer_that_is_none_is_an_error_that_says_so(word, body):
    server, client = make()
    client.upload_object("o", b"abcd")

    def fault(request):
        if word in request.url:
            return Response(200, {"X-Object-Version": "1"}, body)
        return None

    server.fault = fault
    call = client.get_object_versionlist if word == "version=list" else client.download_to_string
    with pytest.raises(ClientError):
        call("o")


@pytest.mark.parametrize(
    "versions", [b"7", b"[7]", b"[[]]", b'[[1, "x"]]', b'[[1, "nan"]]', b"[[1]]"]
)
def test_versions_that_are_none_are_an_error(versions):
    server, client = make()
    client.upload_object("o", b"abcd")
    answer = Response(200, {}, b'{"versions": ' + versions + b"}")
    server.fault = lambda request: answer if "version=list" in request.url else None
    with pytest.raises(ClientError):
        client.purge_object("o")
    assert not server.count("DELETE")


@pytest.mark.parametrize("name", ["", "a\nb", "x\r\nX-Object-Public: true"])
def test_nothing_is_smuggled_into_header_fields(name):
    server, client = make()
    with pytest.raises(ClientError):
        client.upload_object("o", b"", content_type="a\r\nb")
    with pytest.raises(ClientError):
        client.set_account_group("g", [name or ";"])
    client.upload_object("o", b"", metadata={"k": f"v\r\n{name}"})
    assert client.get_object_meta("o") == {"x-object-meta-k": f"v\r\n{name}"}
    assert "X-Object-Public" not in server.accounts["me"]["c"].current["o"].headers
