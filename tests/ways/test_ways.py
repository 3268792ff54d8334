"""The ways that there are: which a comparison measures, in which order, and which do not give such answers."""

from __future__ import annotations

import sys
from itertools import product
from types import ModuleType
from typing import Any

import pytest

from trimtab.errors import MissingExtraError, TrimtabError
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import ANSWERS, LABEL, ChoiceAnswer
from trimtab.settings.file import make_task
from trimtab.settings.methods import METHODS
from trimtab.ways.ways import BY_METHOD, MOST_TELLING, MethodWay, method_of, most_telling, pick_ways, ways_of


def kind(answer: str) -> Any:
    return kind_of(ChoiceAnswer(options="options") if answer == "choice" else ANSWERS[answer]())


def test_ways_for_numbers_do_not_give_labels() -> None:
    with pytest.raises(TrimtabError) as caught:
        pick_ways(("mean",), gpu=False, kind=kind_of(LABEL))
    fitting = ", ".join(ways_of(kind_of(LABEL)))
    assert str(caught.value) == (
        "--methods: 'mean' gives numbers, and the answers of this task are labels. "
        f"Ways for tasks whose answers are labels: {fitting}."
    )


USUAL = {
    "label": (
        "majority rules naive_bayes tfidf embeddings zero_shot few_shot calibrated_few_shot head soft_prompt",
        "word_vectors prefix p_tuning lora full", "setfit prefix context_tuning",
    ),
    "choice": ("majority zero_shot few_shot soft_prompt", "prefix p_tuning lora full", "context_tuning"),
    "number": ("mean ridge head soft_prompt", "word_vector_ridge prefix lora full", ""),
    "multilabel": ("majority naive_bayes tfidf embeddings head soft_prompt", "prefix p_tuning lora full", ""),
    "tags": ("majority token_majority hmm head soft_prompt", "prefix p_tuning lora full", ""),
    "span": ("majority sentence nearby_words head soft_prompt lora", "prefix p_tuning full", ""),
    "text": ("nearest_answer zero_shot few_shot soft_prompt prefix", "p_tuning lora full", ""),
}  # fmt: skip


@pytest.fixture
def setfit(monkeypatch: pytest.MonkeyPatch) -> None:
    """SetFit counts as installed, whether or not it is."""
    monkeypatch.setitem(sys.modules, "setfit", ModuleType("setfit"))


@pytest.mark.usefixtures("setfit")
@pytest.mark.parametrize("answer", ANSWERS)
def test_default_sets_go_with_their_answers(answer: str) -> None:
    anywhere, with_gpu, with_few = (set(keys.split()) for keys in USUAL[answer])
    for gpu, rows in product((False, True), (None, 200, 201)):
        expected = anywhere | (with_gpu if gpu else set()) | (with_few if rows == 200 else set())
        picked = pick_ways(None, gpu, kind(answer), rows)
        assert {way.key for way in picked} == expected
        assert pick_ways([way.key for way in picked], gpu, kind(answer), rows) == picked  # none of them is refused


def test_a_baseline_of_an_extra_that_is_not_installed_is_no_part_of_the_default_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "setfit", None)  # type: ignore[arg-type]
    assert "setfit" not in {way.key for way in pick_ways(None, False, kind_of(LABEL), 16)}
    with pytest.raises(MissingExtraError, match=r"^way 'setfit' needs the SetFit library, which is not installed\."):
        pick_ways(["setfit"], False, kind_of(LABEL))


def test_of_many_labels_class_vectors_are_tried_before_prompts_with_label_words() -> None:
    of_labels = kind_of(LABEL)
    for few in (False, True):
        usual, many = (of_labels.tried_ways(few=few, many=many) for many in (False, True))
        assert "warp" not in usual
        assert [key for key in many if key != "warp"] == list(usual)
        assert many.index("head") < many.index("warp") < many.index("soft_prompt")


FITTING = {
    "tags": "majority, token_majority, hmm, soft_prompt, warp, prefix, p_tuning, late_prompt, lora, ia3, bitfit, head, "
    "early_head, sentence_head, full",
    "span": "majority, sentence, nearby_words, soft_prompt, warp, prefix, p_tuning, late_prompt, lora, ia3, bitfit, "
    "head, early_head, sentence_head, full",
    "text": "nearest_answer, zero_shot, few_shot, nearest_few_shot, soft_prompt, prefix, p_tuning, late_prompt, lora, "
    "ia3, bitfit, full, context_tuning",
}
REFUSED = {
    ("tags", "zero_shot"): "trains nothing, and tags are read by a layer that must be trained",
    ("tags", "context_tuning"): "starts from few-shot, and tags are read by a layer that must be trained",
    ("tags", "naive_bayes"): "gives labels, and the answers of this task are tags",
    ("tags", "nearest_answer"): "gives texts, and the answers of this task are tags",
    ("tags", "multitask_prompt"): "gives labels, and the answers of this task are tags",
    ("span", "few_shot"): "trains nothing, and spans are read by a layer that must be trained",
    ("span", "token_majority"): "gives tags, and the answers of this task are spans",
    ("text", "sentence"): "gives spans, and the answers of this task are texts",
    ("text", "majority"): "gives labels, and the answers of this task are texts",
    ("text", "token_majority"): "gives tags, and the answers of this task are texts",
    ("text", "ridge"): "gives numbers, and the answers of this task are texts",
    ("text", "head"): "needs labels, and the answers of this task are texts",
    ("text", "calibrated_few_shot"): "needs labels, and the answers of this task are texts",
}


@pytest.mark.parametrize(("answer", "way"), REFUSED)
def test_ways_that_do_not_give_such_answers(answer: str, way: str) -> None:
    with pytest.raises(TrimtabError) as caught:
        pick_ways((way,), gpu=False, kind=kind(answer))
    assert str(caught.value) == (
        f"--methods: '{way}' {REFUSED[answer, way]}. "
        f"Ways for tasks whose answers are {kind(answer).plural}: {FITTING[answer]}."
    )


def test_ways_come_in_the_order_of_the_table_however_they_are_asked_for() -> None:
    picked = pick_ways(["lora", "soft_prompt", "majority", "lora"], False, kind_of(LABEL))
    assert [way.key for way in picked] == ["majority", "soft_prompt", "lora"]
    assert [way.group for way in picked] == ["baseline", "tuned", "tuned"]


def test_a_name_with_a_typo_is_told() -> None:
    with pytest.raises(TrimtabError) as caught:
        pick_ways(["soft_promt"], False, kind_of(LABEL))
    assert str(caught.value) == "--methods: 'soft_promt' is not a way to compare. Did you mean 'soft_prompt'?"


def test_every_method_is_a_way_and_every_way_one_of_a_method() -> None:
    assert {way.method for way in BY_METHOD} == set(METHODS) - {"auto"}
    assert len({way.key for way in BY_METHOD}) == len(BY_METHOD)
    task = make_task({})
    for way in BY_METHOD:
        assert type(method_of(way, task)) is METHODS[way.method]


def test_what_tells_most_is_measured_first_and_the_rest_in_its_order() -> None:
    every = {key for answer in ANSWERS for key in ways_of(kind(answer))}
    assert set(MOST_TELLING) <= every
    ways = list(ways_of(kind_of(LABEL)).values())
    ranked = [way.key for way in most_telling(ways)]
    first = [key for key in MOST_TELLING if key in ranked]
    assert ranked == [*first, *(way.key for way in ways if way.key not in first)]
    assert (ranked[0], ranked[-1]) == ("majority", "full")


def test_a_way_takes_the_tasks_own_settings_where_it_is_the_tasks_method() -> None:
    task = make_task({"method": {"name": "prefix", "length": 3}})
    ways = ways_of(kind_of(LABEL))

    def settings(key: str) -> Any:
        way = ways[key]
        assert isinstance(way, MethodWay)
        return method_of(way, task)

    assert settings("prefix") is task.method
    assert settings("context_tuning") == METHODS["prefix"](name="prefix", init="demonstrations")
    assert settings("soft_prompt") == METHODS["soft_prompt"]()
    assert settings("calibrated_few_shot").calibrate is True
