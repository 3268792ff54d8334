"""Which rows are held out from train, and which are held against them."""

from __future__ import annotations

from trimtab.data.example import Example
from trimtab.evaluation.shift.drawn import drawn


def rows(n: int, name: str, each: int = 1) -> list[Example]:
    return [Example({"text": f"{name} {i // each}"}, "a", f"{name}:{i}", group=f"{name} {i // each}") for i in range(n)]


def test_a_fifth_of_train_is_held_out_or_half_of_a_small_one() -> None:
    for train, known, held_out in ((40, 20, 20), (100, 50, 50), (200, 150, 50), (1_000, 800, 200), (5_000, 2_000, 500)):
        found = drawn(rows(train, "train"), rows(700, "test"), most_known=2_000, most=500)
        assert found is not None
        assert (len(found.known), len(found.held_out), len(found.judged)) == (known, held_out, 500)
        texts = [example.fields["text"] for example in [*found.known, *found.held_out]]
        assert len(set(texts)) == len(texts)
    assert drawn(rows(40, "train"), rows(20, "test"), most_known=9, most=9) == drawn(
        rows(40, "train"), rows(20, "test"), most_known=9, most=9
    )


def test_rows_that_belong_together_are_on_one_side_and_count_once() -> None:
    found = drawn(rows(400, "train", each=4), rows(60, "test", each=3), most_known=1_000, most=500)
    assert found is not None
    assert (len(found.known), len(found.held_out), len(found.judged)) == (200, 50, 20)
    known, held_out = ({example.group for example in part} for part in (found.known, found.held_out))
    assert not known & held_out


def test_of_few_rows_nothing_is_told() -> None:
    assert drawn(rows(39, "train"), rows(50, "test"), most_known=9, most=9) is None
    assert drawn(rows(99, "train"), rows(9, "test"), most_known=9, most=9) is None
    assert drawn([], rows(50, "test"), most_known=9, most=9) is None
