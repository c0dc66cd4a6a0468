"""Cut XML is what a tree of it says, for every well-formed text and however it comes in pieces."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.one.errors import OneAnswerException
from pelagos.one.results import Document, Element, Template, class_of, parse, read
from pelagos.one.results.template import Template as Entries
from support.one_answers import samples

NAMES = st.sampled_from(["A", "AB", "ABC", "VM", "VMID", "B_1"])
#: What could deceive who looks for tags.
MARKS = ["</A>", "<A>", "<A/>", "]]", "]>", "-->", "<!--", "<![CDATA[", "</VM>", "<VM>", "?>"]
BITS = st.sampled_from([*MARKS, *'x \n&é\U0001f600"=', "&lt;"])
TEXTS = st.lists(BITS, max_size=4).map("".join)


def cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]')}]]>"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&#62;")


LEAVES = st.one_of(TEXTS.map(cdata), TEXTS.map(escaped), st.just(""))


def _plain(name: str, inner: str, style: int) -> str:
    return f"<{name}>{inner}</{name}>" if inner or style % 2 else f"<{name}/>"


def _named(name: str, inner: str, style: int) -> str:
    if not inner and style % 2:
        return f"<{name}/>"
    attributes = [f' k="</{name}>1"'.replace("<", "&lt;"), "", "", ""][style % 4]
    return f"<{name}{attributes}>{inner}</{name}>"


def elements(named: Any) -> st.SearchStrategy[str]:
    return st.recursive(
        st.builds(named, NAMES, LEAVES, st.integers(0, 7)),
        lambda inner: st.builds(
            named, NAMES, st.lists(inner, min_size=1, max_size=4).map("".join), st.integers(0, 7)
        ),
        max_leaves=12,
    )


#: As any writer of XML may write, and as OpenNebula does: without attributes.
ANY = st.lists(elements(_named), max_size=5).map("".join)
PLAIN = st.lists(elements(_plain), max_size=5).map("".join)


def pieces(data: bytes, size: int) -> Any:
    return iter([data[place : place + size] for place in range(0, len(data), size)])


def size_of(node: ET.Element) -> int:
    return sum(1 for _ in node.iter())


def same(value: Any, node: ET.Element) -> int:
    """Whatever the tree has is in the value, and nothing else; how many elements were reached."""
    if isinstance(value, Element | Template):
        by_name: dict[str, list[ET.Element]] = {}
        for inner in node:
            by_name.setdefault(inner.tag, []).append(inner)
        names = list(value.to_dict())
        assert set(names) == set(by_name)
        reached = 1
        for name, inners in by_name.items():
            values = value.get_list(name)
            assert len(values) == len(inners)
            reached += sum(map(same, values, inners))
        return reached
    assert len(node) == 0
    text = node.text or ""
    if value is None:
        assert not text.strip()
    else:
        assert value == text if isinstance(value, str) else float(value) == float(text)
    return 1


@given(ANY, st.integers(1, 60))
def test_an_answer_is_what_a_tree_says_however_it_came(inner: str, size: int) -> None:
    tree = ET.fromstring(text := f"<ROOT>{inner}</ROOT>")
    assert same(read(pieces(text.encode(), size)), tree) == size_of(tree)


@given(PLAIN, st.integers(1, 60))
def test_a_pool_is_what_a_tree_says_however_it_came(inner: str, size: int) -> None:
    tree = ET.fromstring(text := f"<ROOT>{inner}</ROOT>")
    document = Document(pieces(text.encode(), size))
    assert same(Element.of(document.root, document.children()), tree) == size_of(tree)


@given(ANY)
def test_a_template_is_what_a_tree_says(inner: str) -> None:
    tree = ET.fromstring(f"<T>{inner}</T>")
    assert same(Entries.read(inner.encode()), tree) == size_of(tree)


@given(ANY, st.permutations(["A", "AB", "ABC", "VM", "VMID", "B_1", "NONE"]))
def test_what_is_looked_up_first_makes_no_difference(inner: str, names: list[str]) -> None:
    template = Entries.read(inner.encode())
    root = ET.fromstring(f"<T>{inner}</T>")
    for name in names:
        nodes = [node for node in root if node.tag == name]
        assert (name in template) is bool(nodes)
        values = template.get_list(name)
        assert len(values) == len(nodes)
        for one, node in zip(values, nodes, strict=True):
            same(one, node)


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_every_element_of_a_recorded_answer_is_reachable(path: Any) -> None:
    tree = ET.fromstring(text := path.read_text(encoding="utf-8"))
    assert same(parse(text), tree) == size_of(tree)


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.stem)
def test_a_recorded_answer_has_a_class_of_its_own(path: Any) -> None:
    assert class_of(parse(path.read_text(encoding="utf-8"))._tag) is not Element


def test_comments_and_instructions_are_left_out() -> None:
    root = parse(
        "<?xml version='1.0'?><!-- <A> --><R><A>1<!-- </A> --></A><?a </R> ?><A>2</A></R>"
    )
    assert root.A == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('<!DOCTYPE a [<!ENTITY x "y">]><A>&x;</A>', "document type"),
        ("<A><B></A>", "not well-formed"),
        ("<A>1</A><A>2</A>", "not well-formed"),
        ("<A>", "not well-formed"),
        ("<A>\x00</A>", "not well-formed"),
        ("<A>\x1b</A>", "not well-formed"),
        ("<A>&foo;</A>", "not well-formed"),
        ("<A>&#1;</A>", "not well-formed"),
        ("", "not well-formed"),
        ("text", "not well-formed"),
    ],
)
def test_what_is_not_good_xml_is_an_error(text: str, says: str) -> None:
    with pytest.raises(OneAnswerException, match=says):
        parse(text)


def test_bytes_that_are_not_utf_8_are_an_error() -> None:
    with pytest.raises(OneAnswerException):
        parse(b"<A>\xff</A>")
    with pytest.raises(OneAnswerException):
        parse('<?xml version="1.0" encoding="ISO-8859-1"?><A>é</A>'.encode("latin-1"))


def test_a_bomb_of_entities_is_refused_at_its_first_line() -> None:
    bomb = ['<!DOCTYPE b [<!ENTITY a0 "ha">']
    bomb += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)]
    with pytest.raises(OneAnswerException, match="document type"):
        parse("".join([*bomb, "]><B>&a11;</B>"]))


def test_depth_is_bounded_where_it_is_walked() -> None:
    deep = parse("<A>" * 500 + "</A>" * 500)
    with pytest.raises(OneAnswerException, match="nested deeper"):
        deep.to_dict()


def test_one_enormous_text_is_read_in_linear_time() -> None:
    text = "x" * 5_000_000
    document = Document(pieces(f"<R><A><![CDATA[{text}]]></A></R>".encode(), 65_536))
    assert text == Element.of("R", document.children()).A


def test_closing_tags_may_have_white_space_and_cost_no_search_to_the_end() -> None:
    root = parse("<R>" + "<A>x<B/></A ><AB><A/></AB\n><A><B/></A\t>" * 100_000 + "</R>")
    assert len(root.get_list("A")) == 200_000 and root.AB[-1].A == ""


def test_elements_without_end_are_left_early() -> None:
    taken = []

    def endless() -> Any:
        for number in range(1_000):
            taken.append(number)
            yield b"<A>" * 40_000 + b"<B><![CDATA[</</</]]></B>"

    with pytest.raises(OneAnswerException, match="nested deeper than 100,000"):
        Document(endless()).inner()
    assert len(taken) < 500


def test_comments_without_end_are_left() -> None:
    with pytest.raises(OneAnswerException, match="has comments and more than"):
        Document(pieces(b"<R><!-- -->" + b"<A>1</A>" * 9_000_000, 8_000_000)).inner()


def test_a_tag_without_end_is_left_early() -> None:
    taken = []

    def endless() -> Any:
        yield b"<R><A "
        for number in range(10_000):
            taken.append(number)
            yield b"a" * 65_536

    with pytest.raises(OneAnswerException, match="a tag of more than"):
        Document(endless()).inner()
    assert len(taken) < 40


def test_an_element_may_be_bounded() -> None:
    document = Document(pieces(b"<R><A>" + b"x" * 100_000 + b"</A></R>", 1_000))
    with pytest.raises(OneAnswerException, match="more than 5,000 bytes"):
        list(document.children(child_limit=5_000))
