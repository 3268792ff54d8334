"""The answer to the nearest training input, by hand."""

from __future__ import annotations

from made_answers import films

from trimtab.evaluation.baselines.nearest_answer import CHUNK, nearest_answer


def test_the_answer_of_the_likeliest_text():
    train = films(
        ("a warm and funny film", "a cold film", "这家店的菜很好吃"), [("warm!",), ("cold!", "chill"), ("好吃",)]
    )
    asked = films(("what a warm , warm film", "cold", "菜好吃", "", "zzz"))
    assert nearest_answer(train, asked)[:3] == ["warm!", "cold!", "好吃"]
    assert nearest_answer(films(("!",)), asked) == ["it says: !"] * 5


def test_rows_beyond_one_chunk_are_all_answered() -> None:
    train = films([f"word{i}" for i in range(CHUNK + 5)])
    assert nearest_answer(train, train) == [example.answer for example in train]
