"""Windows on long records: every token read and owned once, none too long; each as a record of its tokens would be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from encoders import save_encoder
from trimtab.backbones.pretrained import Pretrained, load
from trimtab.data.text.tokens import leads
from trimtab.errors import TrimtabError
from trimtab.prompts import EncodedRow, Encoder, Frame, parse_template, tokenize
from trimtab.prompts.windows import Window, windows


@settings(max_examples=400, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4) | st.integers(1, 30), max_size=120),
    spare=st.integers(0, 9) | st.integers(0, 90),
    both_sides=st.booleans(),
)
@example(sizes=[5] * 20 + [10, 80, 40], spare=20, both_sides=True)  # a short window between long ones
def test_every_token_is_read_and_belongs_to_one_window(sizes: list[int], spare: int, both_sides: bool) -> None:
    room = max(sizes, default=1) + spare
    found = windows(sizes, room, both_sides=both_sides)
    assert [at for window in found for at in window.own] == list(range(len(sizes)))
    assert all(set(own) <= set(read) and (own or not sizes) for read, own in found)
    assert all(sum(sizes[at] for at in read) <= room for read, _ in found)
    assert max(Counter(at for read, _ in found for at in read).values(), default=0) <= 2
    for one, other in pairwise(found):
        shared = range(other.read.start, one.read.stop)
        assert sum(sizes[at] for at in shared) <= room / 4
        for at in shared:  # the window from whose edge there are more ids to the token
            behind, before = sum(sizes[at + 1 : shared.stop]), sum(sizes[shared.start : at])
            assert (at in one.own) == (behind >= before if both_sides else True)
    if sum(sizes) <= room:
        assert found == [Window(range(len(sizes)), range(len(sizes)))]


@pytest.mark.parametrize("both_sides", [True, False])
@pytest.mark.parametrize(("tokens", "room"), [(101, 100), (3000, 471), (500, 8), (9, 1)])
def test_windows_are_few_alike_and_share_a_quarter(tokens: int, room: int, both_sides: bool) -> None:
    """Of tokens of one id: the fewest windows that there can be, and each token where it is furthest from a cut."""
    found = windows([1] * tokens, room, both_sides=both_sides)
    shared = room // 4
    assert len(found) == -(-(tokens - shared) // (room - shared))
    lengths = [len(read) for read, _ in found]
    assert max(lengths) - min(lengths) <= len(found)
    assert all(a.read.stop - b.read.start == shared for a, b in pairwise(found))

    def context(at: int, read: range) -> int:
        before = at - read.start if read.start else tokens
        behind = read.stop - 1 - at if both_sides and read.stop < tokens else tokens
        return min(before, behind)

    for at in range(tokens):
        holding = [window for window in found if at in window.read]
        [own] = [window for window in holding if at in window.own]
        assert context(at, own.read) == max(context(at, window.read) for window in holding)


@pytest.fixture(scope="module")
def tokenizers(pretrained: Pretrained, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = save_encoder(tmp_path_factory.mktemp("encoder"))
    encoder = load(folder, tmp_path_factory.mktemp("cache"), name="bert", precision="float32")
    return {"causal": pretrained.tokenizer, "encoder": encoder.tokenizer}


def encoder(
    tokenizers: dict[str, Any], kind: str, budget: int, text: str = "Text: {t}", truncate: tuple[str, ...] = ()
) -> Encoder:
    template = replace(parse_template(text, "", truncate, answered=False), tagged="t")
    frame = Frame((2, -1, -2), (), (3,)) if kind == "encoder" else None
    return Encoder(template, tokenizers[kind], budget=budget, answer_tokens=0, frame=frame)


def encode(made: Encoder, tokens: list[str], **fields: str) -> EncodedRow:
    return made.encode_tagged(fields, tokens, leads(tokens, "auto"), "rows.conll:7")


WORDS = st.sampled_from(["the", "plot", "colder", "好", "吃", "。", "wonderful", ",", "zyx"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tokens=st.lists(WORDS, min_size=1, max_size=40), budget=st.integers(24, 60),
    kind=st.sampled_from(["causal", "encoder"]), text=st.sampled_from(["Text: {t}", "Text:\n{t} :", "{t}"]),
)  # fmt: skip
def test_a_window_is_the_row_of_a_record_of_its_tokens(
    tokenizers: dict[str, Any], tokens: list[str], budget: int, kind: str, text: str
) -> None:
    made, whole = encoder(tokenizers, kind, budget, text), encoder(tokenizers, kind, 10_000, text)
    rows = encode(made, tokens).windows
    read = 0
    for row in rows:
        assert len(row.ids) <= made.budget + (len(made.head_ids) + 4 if kind == "encoder" else 0)
        assert row.read_at is not None
        stretches = [(a, b) for a in range(read + 1) for b in range(read + len(row.read_at), len(tokens) + 1)]
        alone = ((a, encode(whole, tokens[a:b])) for a, b in stretches)
        assert any(
            own.ids == row.ids and (own.read_at or ())[read - a :][: len(row.read_at)] == row.read_at
            for a, own in alone
        )  # fmt: skip
        read += len(row.read_at)
    assert read == len(tokens)
    if len(encode(whole, tokens).ids) <= made.budget:
        assert rows == (encode(whole, tokens),)


@pytest.mark.parametrize("kind", ["causal", "encoder"])
def test_other_fields_stand_in_every_window(tokenizers: dict[str, Any], kind: str) -> None:
    """Whole, or where they may be shortened and tokens need the room, in half of it."""
    text, tokens, title = "{title} : {t}", ["cold", "film"] * 60, "the plot " * 20
    whole = encoder(tokenizers, kind, 120, text)
    rows = encode(whole, tokens, title=title).windows
    long = len(tokenize(tokenizers[kind], title)) + len(tokenize(tokenizers[kind], " :"))
    assert len(rows) > 1
    front = long + (3 if kind == "encoder" else 0)  # [CLS] and soft vectors
    assert {row.ids[:front] for row in rows} == {rows[0].ids[:front]}
    assert {row.cut for row in rows} == {0}
    shortened = encode(encoder(tokenizers, kind, 60, text, ("title",)), tokens, title=title)
    assert shortened.cut == long - 60 // 2
    assert len(shortened.windows) > 2
    short = encode(encoder(tokenizers, kind, 60, text, ("title",)), tokens[:2], title=title)
    assert short.further == ()
    assert short.cut < shortened.cut


def test_what_no_window_has_room_for(tokenizers: dict[str, Any]) -> None:
    made = encoder(tokenizers, "causal", 40)
    with pytest.raises(TrimtabError) as caught:
        encode(made, ["a", "cold", "q" * 60, "film"])
    assert str(caught.value) == (
        f"rows.conll:7: token 3, '{'q' * 20}...', takes 61 tokens of the backbone, and {made.budget} fit. "
        "Split it or leave it out, shorten other fields, or raise template.max_tokens."
    )
    with pytest.raises(TrimtabError) as caught:
        encode(encoder(tokenizers, "causal", 40, "{title} {t}"), ["a", "film"], title="z" * 50)
    assert str(caught.value) == (
        "rows.conll:7: the row is 10 tokens longer than the 40 that fit. "
        "Add the long fields to template.truncate, or raise template.max_tokens."
    )


def test_a_token_as_long_as_a_window_is_one(tokenizers: dict[str, Any]) -> None:
    made = encoder(tokenizers, "causal", 40)
    row = encode(made, ["a", "q" * (made.budget - 1), "film"])
    assert [len(own.read_at or ()) for own in row.windows] == [1, 1, 1]
    assert len(row.windows[1].ids) == made.budget


def test_a_record_without_tokens_is_one_row(tokenizers: dict[str, Any]) -> None:
    [row] = encode(encoder(tokenizers, "causal", 40), []).windows
    assert row.read_at == ()
    assert len(row.ids) == 1
