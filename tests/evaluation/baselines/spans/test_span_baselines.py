"""Ways to answer with words of a context without a language model, on texts whose answers are plain to see."""

from __future__ import annotations

from trimtab.data.example import SpanExample
from trimtab.evaluation.baselines.spans.first_words import first_words, usual_length
from trimtab.evaluation.baselines.spans.nearby_words import nearby_words
from trimtab.evaluation.baselines.spans.nearest_sentence import nearest_sentence, sentences

TOWN = "The mill stands by the lake. Its owner, Anna Berg, bakes bread every Friday! The school is 3.5 km away"
ZH = "小镇有一座磨坊。磨坊的主人安娜每周五烤面包。学校在三公里外。"


def example(question: str, context: str = TOWN, answer: str | None = None) -> SpanExample:
    fields = {"question": question, "context": context}
    if answer is None:
        return SpanExample(fields, "", "r:1", context=context)
    at = context.index(answer)
    return SpanExample(fields, answer, "r:1", context=context, references=(answer,), spans=((at, at + len(answer)),))


TRAIN = [example("", answer="Anna Berg"), example("", answer="lake"), example("", answer="every Friday")]


def said(examples: list[SpanExample], places: list[tuple[int, ...]]) -> list[str]:
    return [one.context[slice(*place)] if place else "" for one, place in zip(examples, places, strict=True)]


def test_the_first_words_are_as_many_as_is_usual() -> None:
    assert usual_length(TRAIN) == 2
    asked = [example("Who?"), example("?", "one"), example("?", ""), example("?", ZH)]
    assert said(asked, first_words(TRAIN, asked)) == ["The mill", "one", "", "小镇"]
    assert first_words([*TRAIN, *[example("")] * 3], asked)[0] == (0, 8)
    assert first_words([*TRAIN, *[example("")] * 4], asked) == [()] * 4
    assert usual_length([example("")]) == 1


def test_sentences_end_at_their_marks_and_at_lines() -> None:
    cut = ["".join(TOWN[a:b] for a, b in own) for own in sentences(TOWN)]
    assert cut == ["Themillstandsbythelake.", "Itsowner,AnnaBerg,bakesbreadeveryFriday!", "Theschoolis3.5kmaway"]
    assert len(sentences("a\nb\n\nc")) == 3
    assert len(sentences(ZH)) == 3
    assert sentences(" \n") == []


def test_the_sentence_that_shares_most_with_the_question() -> None:
    asked = [
        example("Who bakes bread?"), example("How far is the SCHOOL?"), example("Nothing at all"), example("x", ""),
        example("谁烤面包？", ZH),
    ]  # fmt: skip
    assert said(asked, nearest_sentence(asked)) == [
        "Its owner, Anna Berg, bakes bread every Friday!", "The school is 3.5 km away", "The mill stands by the lake.",
        "", "磨坊的主人安娜每周五烤面包。",
    ]  # fmt: skip


def test_the_words_that_stand_nearest_to_the_question_s() -> None:
    asked = [
        example("When does she bake? Who bakes bread?"), example("What stands by the lake?"), example("x", ""),
        example("mill stands by the lake .", "The mill stands by the lake."),
    ]  # fmt: skip
    found = said(asked, nearby_words(TRAIN, asked))
    assert found[0] == "every Friday"
    assert found[1:] == ["The mill stands by the lake.", "", "The mill stands by the lake."]  # no two words are new
