from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap import marshal
from pelagos.slap.errors import MarshalError
from pelagos.slap.marshal import MarshalObject, dumps, loads
from support import slap_samples

RECORDED = slap_samples.marshalled()

texts = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=["Cs", "Cc"],
        exclude_characters="\ufffe\uffff",
        include_characters="\t\n\r",
    )
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
keys = texts | st.integers()


def containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(children)
        | st.lists(children).map(tuple)
        | st.dictionaries(keys, children)
        | st.sets(keys)
        | st.builds(
            MarshalObject,
            st.sampled_from(sorted(marshal.CLASSES)),
            st.lists(children, max_size=3).map(tuple),
            st.dictionaries(texts, children, max_size=3),
        )
    )


values = st.recursive(scalars, containers, max_leaves=25)


def wrap(inside: str) -> bytes:
    return f"<marshal>{inside}</marshal>".encode()


def test_the_recordings_are_there():
    assert len(RECORDED) > 40


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_what_the_real_marshaller_wrote_is_written_again_byte_for_byte(name: str):
    assert dumps(loads(RECORDED[name])) == RECORDED[name]


@given(values)
def test_what_is_written_is_read_back_equal(value: Any):
    document = dumps(value)
    assert loads(document) == value
    assert document.isascii()
    assert dumps(loads(document)) == document


def test_every_kind_of_value_is_read():
    shared = ["a"]
    assert loads(slap_samples.document("synthetic_reference.xml")) == {
        "b": True,
        "big": 10**24,
        "esc": '<a> & "b" é &lt;',
        "f": 1.5,
        "n": None,
        "neg": -5,
        "s": {1},
        "t": ("a", 1),
        "x": shared,
        "y": shared,
    }


def test_a_container_that_occurs_twice_is_written_once_and_read_as_one():
    shared = ["a"]
    document = dumps({"x": shared, "y": shared})
    assert document.count(b"<reference") == 1
    read = loads(document)
    assert read["x"] is read["y"]


def test_equal_but_distinct_containers_are_not_references():
    assert b"<reference" not in dumps({"x": ["a"], "y": ["a"]})


def test_text_is_escaped_twice_and_not_ascii_is_a_decimal_reference():
    assert dumps('<a> & "é"\r😀') == wrap(
        '<string>&amp;lt;a&amp;gt; &amp;amp; "&#233;"&#13;&#128512;</string>'
    )


def test_an_object_has_the_module_and_class_that_readers_insist_on():
    document = dumps(MarshalObject("Computer", ("C",), {"_computer_id": "C"}))
    assert document == wrap(
        '<object id="i2" module="slapos.slap.slap" class="Computer"><tuple><string>C</string>'
        '</tuple><dictionary id="i3"><string>_computer_id</string><string>C</string></dictionary>'
        "</object>"
    )


def test_keys_are_sorted_and_ids_count_from_two():
    assert dumps({"b": [], "a": {}}) == wrap(
        '<dictionary id="i2"><string>a</string><dictionary id="i3"/><string>b</string>'
        '<list id="i4"/></dictionary>'
    )


def test_integers_from_ten_to_the_24_are_long():
    assert dumps((10**24 - 1, -(10**24))) == wrap(
        f"<tuple><int>{10**24 - 1}</int><long>-{10**24}</long></tuple>"
    )


def test_other_writers_forms_are_read():
    declaration = "<?xml version='1.0' encoding='utf-8'?>"
    assert loads(f"{declaration}\n<marshal>\n  <string>é</string>\n</marshal>\n") == "é"
    namespace = 'xmlns:m="http://www.erp5.org/namespaces/marshaller"'
    assert loads(
        f'<m:marshal {namespace}><m:list id="i2"><m:int>1</m:int></m:list></m:marshal>'
    ) == [1]
    assert loads(wrap("<unicode>&#233;</unicode>")) == "é"
    assert loads(wrap("<string/>")) == ""
    pretty = slap_samples.document("synthetic_production_style_full.pretty.xml")
    assert loads(pretty) == loads(slap_samples.document("synthetic_production_style_full.xml"))


BOMB = (
    '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<marshal><string>&b;</string></marshal>"
)
EXTERNAL = '<!DOCTYPE m SYSTEM "file:///etc/passwd"><marshal><none/></marshal>'


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (BOMB, "document type or entities"),
        (EXTERNAL, "document type or entities"),
        ("<marshal><string>&b;</string></marshal>", "undefined entity"),
        ("", "no element found"),
        ("<marshal><string>half", "not well-formed"),
        ("not XML at all", "not well-formed"),
        ("<marshal/>", "0 values"),
        ("<marshal><none/><none/></marshal>", "2 values"),
        ("<string>x</string>", "where <marshal> should be"),
        ("<marshal><marshal><none/></marshal></marshal>", "<marshal> again"),
        ("<marshal><code>x</code></marshal>", "<code> is not an element"),
        ("<marshal><complex>1 2</complex></marshal>", "<complex> is not an element"),
        ('<marshal><list id="i2">text</list></marshal>', "text between elements"),
        ("<marshal><string><int>1</int></string></marshal>", "<int> within <string>"),
        ("<marshal><int>one</int></marshal>", "<int> holds 'one'"),
        ("<marshal><int>" + "9" * 5000 + "</int></marshal>", "<int> holds"),
        ("<marshal><float>much</float></marshal>", "<float> holds 'much'"),
        ("<marshal><bool>yes</bool></marshal>", "<bool> holds 'yes'"),
        ("<marshal><none>x</none></marshal>", "<none> holds 'x'"),
        ('<marshal><reference id="i9"/></marshal>', "reference to 'i9'"),
        ('<marshal><list id="i2"><reference id="i2"/></list></marshal>', "not complete before"),
        ('<marshal><dictionary id="i2"><string>a</string></dictionary></marshal>', "no value"),
        (
            '<marshal><dictionary id="i2"><list id="i3"/><none/></dictionary></marshal>',
            "not hashable",
        ),
        ('<marshal><set id="i2"><list id="i3"/></set></marshal>', "not hashable"),
        (
            '<marshal><object module="os" class="system"><tuple/><dictionary/></object></marshal>',
            "os.system",
        ),
        (
            f'<marshal><object module="{marshal.MODULE}" class="slap"><tuple/></object></marshal>',
            "slapos.slap.slap.slap",
        ),
        (
            f'<marshal><object module="{marshal.MODULE}" class="Computer"/></marshal>',
            "tuple and a dictionary",
        ),
        ('<?xml version="1.0" encoding="no-such"?><marshal><none/></marshal>', "encoding"),
        ("<marshal><string>\ud800</string></marshal>", "not Unicode"),
    ],
)
def test_bad_documents_are_refused_with_the_reason(document: str, why: str):
    with pytest.raises(MarshalError) as caught:
        loads(document)
    assert why in str(caught.value)


def test_ten_megabytes_are_refused_unread():
    with pytest.raises(MarshalError, match="at most 8,388,608 are read") as caught:
        loads(wrap("<string>" + "x" * 10_000_000 + "</string>"))
    assert caught.value.hint


def test_the_limit_can_be_set():
    assert loads(wrap("<string>xx</string>"), limit=38) == "xx"
    with pytest.raises(MarshalError, match="38 bytes; at most 37"):
        loads(wrap("<string>xx</string>"), limit=37)


def nested(depth: int) -> bytes:
    return wrap("<tuple>" * depth + "</tuple>" * depth)


def test_nesting_is_limited():
    assert loads(nested(marshal.MAX_DEPTH))
    for depth in (marshal.MAX_DEPTH + 1, 100_000):
        with pytest.raises(MarshalError, match="nested more than 64 deep"):
            loads(nested(depth))


def test_references_cannot_unfold_without_limit():
    doubling = "".join(
        f'<list id="i{n}">' + f'<reference id="i{n - 1}"/>' * 10 + "</list>" for n in range(3, 13)
    )
    with pytest.raises(MarshalError, match="unfold to more than"):
        loads(
            wrap(
                f'<list id="i1"><list id="i2"><string>{"x" * 100}</string></list>{doubling}</list>'
            )
        )


def test_keys_that_collide_are_refused_before_they_cost_time():
    colliding = "".join(f"<int>{n * (2**61 - 1)}</int><none/>" for n in range(20_000))
    with pytest.raises(MarshalError, match="more than 1,000 keys or members"):
        loads(wrap(f'<dictionary id="i2">{colliding}</dictionary>'))
    with pytest.raises(MarshalError, match="more than 1,000 keys or members"):
        loads(wrap(f'<set id="i2">{colliding}</set>'))
    many = {f"key {n}": n for n in range(2000)}
    assert loads(dumps(many)) == many


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def deep(depth: int) -> tuple[Any, ...]:
    value: tuple[Any, ...] = ()
    for _ in range(depth - 1):
        value = (value,)
    return value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"bytes", "type bytes cannot be marshalled"),
        (object(), "type object cannot be marshalled"),
        (["x\x00y"], r"U\+0000 at position 1"),
        ("\ud800", r"U\+D800"),
        ("\uffff", r"U\+FFFF"),
        (MarshalObject("Popen"), "not one of SLAP's"),
        (endless(), "holds itself"),
        (deep(marshal.MAX_DEPTH + 1), "nested more than 64 deep"),
    ],
)
def test_what_cannot_be_written_is_refused(value: Any, why: str):
    with pytest.raises(MarshalError, match=why):
        dumps(value)


def test_the_deepest_value_that_is_written_is_also_read():
    value = deep(marshal.MAX_DEPTH)
    assert loads(dumps(value)) == value


def test_a_set_of_mixed_kinds_has_one_form():
    assert dumps({1, "a", None}) == dumps({None, "a", 1})
