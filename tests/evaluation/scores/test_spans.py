"""Scores of spans against SQuAD's own rules, written down again here, and against figures by hand."""

from __future__ import annotations

import collections
import re
import string
from collections.abc import Sequence

import numpy as np
import pytest

from trimtab.data.example import SpanExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.spans import score_spans, span_results, spans_p_value
from trimtab.evaluation.scores.thresholds import best_answer_threshold

# --- the rules of evaluate-v2.0.py (Rajpurkar et al. 2018) -----------------------------------------------------------


def normalize_answer(s: str) -> str:
    s = "".join(ch for ch in s.lower() if ch not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", s).split())


def official_f1(gold: str, given: str) -> float:
    gold_toks, pred_toks = normalize_answer(gold).split(), normalize_answer(given).split()
    if not gold_toks or not pred_toks:
        return float(gold_toks == pred_toks)
    same = sum((collections.Counter(gold_toks) & collections.Counter(pred_toks)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(pred_toks), same / len(gold_toks)
    return 2 * precision * recall / (precision + recall)


def official(gold: Sequence[Sequence[str]], given: Sequence[str]) -> dict[str, float]:
    exact, f1, has = [], [], []
    for answers, text in zip(gold, given, strict=True):
        own = [a for a in answers if normalize_answer(a)] or [""]
        exact.append(max(float(normalize_answer(a) == normalize_answer(text)) for a in own))
        f1.append(max(official_f1(a, text) for a in own))
        has.append(bool(answers))
    of = {"f1": np.mean(f1), "exact": np.mean(exact)}
    if 0 < sum(has) < len(has):
        chosen = np.array(has)
        of |= {"answered_f1": np.array(f1)[chosen].mean(), "answered_exact": np.array(exact)[chosen].mean()}
        of |= {"without_right": np.array(exact)[~chosen].mean()}
    return {name: float(value) for name, value in of.items()}


# ---------------------------------------------------------------------------------------------------------------------

CONTEXT = "The tower of Saint-Ouen, built by the Normans in 1066, is 82 metres high; its bells are new."


def example(*right: str, context: str = CONTEXT, group: str = "", row: int = 1) -> SpanExample:
    spans = tuple((context.index(text), context.index(text) + len(text)) for text in right if text in context)
    fields = {"question": "What?", "context": context}
    return SpanExample(fields, right[0] if right else "", f"r:{row}", group, context, right, spans)


def place(text: str, context: str = CONTEXT) -> tuple[int, ...]:
    return (context.index(text), context.index(text) + len(text)) if text else ()


PAIRS = [
    (("the Normans",), "Normans"), (("82 metres", "82 metres high"), "82 metres high; its"), (("1066",), "in 1066,"),
    (("its bells",), "The tower"), ((), ""), ((), "new"), (("Saint-Ouen",), ""), (("The", "tower"), ""),
    (("built by the Normans",), "the Normans in 1066"), (("82 metres", "bells are new"), "are new."),
]  # fmt: skip


def test_figures_are_those_of_the_official_script() -> None:
    rows, answers = [example(*right) for right, _ in PAIRS], [place(text) for _, text in PAIRS]
    scores = score_spans(rows, answers)
    for name, value in official([right for right, _ in PAIRS], [text for _, text in PAIRS]).items():
        assert getattr(scores, name) == pytest.approx(value, abs=1e-12), name
    assert (scores.rows, scores.without, scores.language) == (10, 2, "en")
    assert set(scores.intervals) == {"f1", "exact", "answered_f1", "answered_exact", "without_right"}
    assert all(own.low <= getattr(scores, name) <= own.high for name, own in scores.intervals.items())


@pytest.mark.parametrize("seed", range(3))
def test_random_stretches_score_as_they_do_there(seed: int) -> None:
    random = np.random.default_rng(seed)
    cuts = [sorted(random.integers(0, len(CONTEXT), 2).tolist()) for _ in range(60)]
    answers = [(a, b) if b > a else () for a, b in cuts[:30]]
    rows = [example(*([CONTEXT[a:b]] if b - a > 3 else [])) for a, b in cuts[30:]]
    scores = score_spans(rows, answers)
    expected = official([row.references for row in rows], [CONTEXT[a[0] : a[1]] if a else "" for a in answers])
    assert {name: getattr(scores, name) for name in expected} == pytest.approx(expected)


def test_where_all_rows_have_an_answer_there_are_no_parts() -> None:
    scores = score_spans([example("1066"), example("82 metres")], [place("1066"), place("82")])
    assert (scores.exact, scores.f1) == (0.5, pytest.approx((1 + 2 / 3) / 2))
    assert (scores.answered_f1, scores.answered_exact, scores.without_right) == (None, None, None)
    assert [result.metric.name for result in span_results([example("1066")], [()])] == ["F1", "EM"]


def test_chinese_is_scored_by_characters() -> None:
    context = "李白出生于公元701年，字太白，号“青莲居士”。"
    rows = [example("公元701年", context=context), example("“青莲居士”", "青莲", context=context)]
    answers = [place("701年", context), place("青莲居士”", context)]
    scores = score_spans(rows, answers)
    # 公, 元, 701 and 年 are four segments, of which two are given; quotation marks do not count.
    assert (scores.language, scores.exact, scores.f1) == ("zh", 0.5, pytest.approx((2 * 2 / 6 + 1) / 2))
    assert score_spans(rows, answers, language="en").f1 == 0.0


def test_mistakes_are_the_worst_rows_with_their_marks() -> None:
    far = "x " * 400 + "right words" + " y" * 400 + " given" + " z" * 400
    rows = [example("1066", row=1), example("right words", context=far, row=2), example(row=3), example("bells", row=4)]
    answers = [place("in 1066"), place("given", far), place("new"), place("bells")]
    none, astray, partly = (score_spans(rows, answers).mistakes[i] for i in (1, 0, 2))
    assert (astray.where, astray.given, astray.right, astray.f1) == ("r:2", "given", ["right words"], 0.0)
    assert [text for text, mark in astray.pieces if mark == "missed"] == ["right words"]
    assert [text for text, mark in astray.pieces if mark == "spurious"] == ["given"]
    shown = "".join(text for text, _ in astray.pieces)
    assert shown.count("…") == 3
    assert len(shown) < 600
    assert (none.where, none.given, none.right) == ("r:3", "new", [])
    assert (partly.where, round(partly.f1, 3)) == ("r:1", 0.667)
    assert [(text, mark) for text, mark in partly.pieces if mark] == [("in ", "spurious"), ("1066", "both")]
    assert partly.fields == {"question": "What?"}
    assert len(score_spans(rows, answers, worst=0).mistakes) == 0


def test_differences_are_tested_in_groups() -> None:
    rows = [example("1066", row=i) for i in range(40)]
    right, wrong = [place("1066")] * 40, [place("bells")] * 40
    assert spans_p_value(rows, right, wrong) < 0.001
    assert spans_p_value(rows, right, right) == 1.0
    together = [example("1066", group=str(i % 2)) for i in range(40)]
    assert spans_p_value(together, right, wrong) > 0.1


def test_rows_without_a_label_are_refused() -> None:
    with pytest.raises(TrimtabError) as caught:
        score_spans([SpanExample({}, None, "r:7")], [()])
    assert str(caught.value) == "r:7: this row has no answer. Scoring needs rows with answers."
    with pytest.raises(TrimtabError) as caught:
        score_spans([], [])
    assert str(caught.value) == "There are no examples to score. Check that the data file has rows."


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_is_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    without = random.random(60) < 0.5
    shares = np.clip(random.normal(0.6 - 0.3 * without, 0.2), 0.001, 0.999)
    f1 = np.where(without, 0.0, random.choice([0.0, 0.4, 1.0], size=60))

    def reached(threshold: float) -> float:
        return float(np.where(shares >= threshold, f1, without).mean())

    found = best_answer_threshold(shares, f1, without)
    every = [0.0, *np.sort(shares), *(np.sort(shares) + 1e-4)]
    assert reached(found) == pytest.approx(max(map(reached, every)))
    nearer = [t for t in np.linspace(0.5 - abs(found - 0.5) * 0.8, 0.5 + abs(found - 0.5) * 0.8, 9) if found != 0.5]
    assert all(reached(t) <= reached(found) + 1e-12 for t in nearer)


def test_few_rows_choose_no_threshold_and_answers_that_are_all_right_want_none() -> None:
    shares, f1 = np.linspace(0.01, 0.3, 20), np.ones(20)
    few = np.arange(20) < 4
    assert best_answer_threshold(shares, f1 * ~few, few) == 0.5
    lowest = np.arange(20) < 5
    assert 0.06 < best_answer_threshold(shares, f1 * ~lowest, lowest) < 0.1
    highest = np.arange(20) >= 15
    assert best_answer_threshold(shares, f1 * ~highest, highest) == 0.0
