"""What is chosen and what is said of it, on comparisons whose right answer is plain."""

from __future__ import annotations

import pytest
from made_comparisons import (
    R_SQUARED,
    against,
    chinese,
    choices,
    comparison,
    five_ways,
    number_way,
    numbers,
    one_way,
    seeded,
    tags,
    texts,
    to_best,
    way,
)

from trimtab.reports.choosing import choose, chosen_way, in_a_sentence
from trimtab.reports.comparison import Comparison, Way


def said(ways: list[Way], against_best: dict[str, float] | None = None, **changes: object) -> str:
    return comparison(ways, against_best, **changes).choose


def test_a_cheaper_way_that_is_no_worse_is_chosen() -> None:
    ways = [way("soft_prompt", 0.919, 722.0), way("naive_bayes", 0.912, 0.4, against(-0.007, 0.41))]
    assert said(ways) == (
        "Choose naive Bayes: 91.2%, and no other way is really better; it trains in 0.4 s. "
        "The soft prompt, at 91.9%, is no real difference (p = 0.41, McNemar)."
    )


def test_the_best_is_chosen_where_all_others_are_really_worse() -> None:
    ways = [
        seeded("lora", [0.93, 0.92], 1140.0, None),
        way("naive_bayes", 0.82, 0.4, against(-0.105, 1e-9, "paired bootstrap")),
        way("soft_prompt", 0.90, 722.0, against(-0.025, 0.012, "paired bootstrap")),
    ]
    assert said(ways) == (
        "Choose LoRA: 92.5%, really better than every other way; it trains in 19 min. "
        "The soft prompt, at 90.0%, is really worse (p = 0.012, paired bootstrap)."
    )


def test_the_best_is_chosen_where_it_is_also_the_cheapest_of_those_that_may_be_as_good() -> None:
    ways = [
        way("logistic_regression", 0.92, 3.0),
        way("soft_prompt", 0.918, 722.0, against(-0.002, 0.8)),
        way("zero_shot", 0.7, 0.0, against(-0.22, 1e-20)),
    ]
    assert said(ways) == (
        "Choose logistic regression: 92.0%, and no other way is really better; it trains in 3.0 s. "
        "The soft prompt, at 91.8%, is no real difference (p = 0.80, McNemar)."
    )


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        (("naive_bayes", 99.0), ("zero_shot", 0.0), "naive_bayes"),
        (("few_shot", 99.0), ("soft_prompt", 1.0), "few_shot"),
        (("prefix", 90.0), ("soft_prompt", 59.0), "soft_prompt"),
    ],
)
def test_no_model_is_cheaper_than_an_untrained_one_and_that_than_a_tuned_one_then_seconds_count(
    first: tuple[str, float], second: tuple[str, float], chosen: str
) -> None:
    for a, b in ((first, second), (second, first)):
        made = comparison([way(a[0], 0.91, a[1]), way(b[0], 0.909, b[1], against(-0.001, 0.9))])
        found = chosen_way(made)
        assert found is not None
        assert found.key == chosen


def test_of_runs_that_noise_alone_sets_apart_in_time_the_best_on_dev_is_chosen() -> None:
    good = way("prefix", 0.90, 44.0, against(-0.01, 0.5), dev_score=0.93)
    poor = way("soft_prompt", 0.91, 40.0, dev_score=0.88)
    assert said([poor, good]).startswith(
        "Choose the prefix: 90.0%, and no other way is really better; it trains in 44 s, and was the best on dev of "
        "those that cost as much."
    )
    slow = good.model_copy(update={"train_seconds": 80.0})
    assert said([poor, slow]).startswith("Choose the soft prompt: ")


def test_where_time_is_equal_the_smaller_one_is_chosen_and_then_the_more_accurate() -> None:
    small = way("prefix", 0.9, 9.0, against(-0.01, 0.5), bytes_on_disk=10)
    large = way("soft_prompt", 0.91, 9.0, bytes_on_disk=20)
    assert said([large, small]).startswith("Choose the prefix: ")
    assert said([large, small.model_copy(update={"bytes_on_disk": 20})]).startswith("Choose the soft prompt: ")


def test_a_cheap_way_not_tested_against_the_best_is_chosen_only_with_its_p_value() -> None:
    ways = [
        way("lora", 0.93, 1140.0, against(0.011, 0.02)),
        way("soft_prompt", 0.919, 722.0),
        way("naive_bayes", 0.915, 0.4, against(-0.004, 0.6)),
    ]
    assert said(ways) == (
        "Choose LoRA: 93.0%, and no other way is really better; it trains in 19 min. "
        "The soft prompt, at 91.9%, is really worse (p = 0.020, McNemar); how the others stand to it was not tested."
    )
    assert said(ways, {"soft_prompt": 0.02, "naive_bayes": 0.09}) == (
        "Choose naive Bayes: 91.5%, and no other way is really better; it trains in 0.4 s. "
        "LoRA, at 93.0%, is no real difference (p = 0.090, McNemar)."
    )
    assert said(ways, {"soft_prompt": 0.02, "naive_bayes": 0.03}) == (
        "Choose LoRA: 93.0%, really better than every other way; it trains in 19 min. "
        "The soft prompt, at 91.9%, is really worse (p = 0.020, McNemar)."
    )


def test_ways_between_the_chosen_and_the_best_that_were_not_tested_are_not_spoken_for() -> None:
    ways = [
        way("lora", 0.93, 1140.0, against(0.02, 0.2)),
        seeded("prefix", [0.925, 0.925], 900.0, against(0.015, 0.3, "paired bootstrap")),
        way("naive_bayes", 0.915, 0.4, against(0.005, 0.6)),
        way("soft_prompt", 0.91, 722.0),
    ]
    made = comparison(ways, {"prefix": 0.7, "naive_bayes": 0.4, "soft_prompt": 0.2}, reference="soft_prompt")
    assert made.choose == (
        "Choose naive Bayes: 91.5%, and the most accurate way is not really better; it trains in 0.4 s. "
        "LoRA, at 93.0%, is no real difference (p = 0.40, McNemar)."
    )


def test_a_way_really_worse_than_the_reference_is_out_though_no_worse_than_the_best() -> None:
    ways = [
        way("lora", 0.93, 1140.0, against(0.005, 0.6)),
        way("soft_prompt", 0.925, 722.0),
        way("naive_bayes", 0.905, 0.4, against(-0.02, 0.01)),
    ]
    assert said(ways, {"soft_prompt": 0.6, "naive_bayes": 0.06}).startswith("Choose the soft prompt: ")


def test_the_reference_is_out_where_another_than_the_best_is_really_better() -> None:
    ways = [
        way("lora", 0.93, 1140.0, against(0.02, 0.06)),
        way("soft_prompt", 0.925, 722.0, against(0.015, 0.01)),
        way("naive_bayes", 0.91, 0.4),
    ]
    assert said(ways, {"soft_prompt": 0.6, "naive_bayes": 0.06}, reference="naive_bayes") == (
        "Choose the soft prompt: 92.5%, and no other way is really better; it trains in 12 min. "
        "LoRA, at 93.0%, is no real difference (p = 0.60, McNemar)."
    )


def test_the_test_against_the_best_is_named_by_the_seeds() -> None:
    ways = [
        way("lora", 0.93, 1140.0, against(0.02, 0.2)),
        seeded("prefix", [0.92, 0.92], 9.0, against(0.01, 0.3, "paired bootstrap")),
        way("soft_prompt", 0.91, 722.0),
    ]
    text = comparison(ways, {"prefix": 0.5, "soft_prompt": 0.2}, reference="soft_prompt").choose
    assert text.endswith("LoRA, at 93.0%, is no real difference (p = 0.50, paired bootstrap).")


def test_a_wide_gap_that_chance_could_explain_asks_for_more_rows() -> None:
    ways = [way("soft_prompt", 0.9, 20.0), way("naive_bayes", 0.8, 0.1, against(-0.1, 0.07))]
    assert said(ways) == (
        "Choose the soft prompt: 90.0%, and no other way is really better; it trains in 20 s. "
        "Naive Bayes, at 80.0%, is no real difference (p = 0.070, McNemar), though more rows might show one."
    )
    ways = [way("soft_prompt", 0.9, 20.0), way("naive_bayes", 0.86, 0.1, against(-0.04, 0.07))]
    assert said(ways) == (
        "Choose naive Bayes: 86.0%, and no other way is really better; it trains in 0.1 s. "
        "The soft prompt, at 90.0%, is no real difference (p = 0.070, McNemar), though more rows might show one."
    )


def test_a_way_that_needs_no_training_or_is_searched_for_says_so() -> None:
    best = way("soft_prompt", 0.9, 20.0)
    assert " really better; it needs no training. " in said([best, way("zero_shot", 0.9, 0.0, against(0.0, 1.0))])
    assert " really better; it is ready in 3 min. " in said([best, way("search", 0.89, 170.0, against(-0.01, 0.9))])


def test_one_way_alone() -> None:
    assert one_way().choose == (
        "Choose the soft prompt: 100.0%, the only way measured; it trains in 12 s. "
        "Whether another would do better is not known."
    )


def test_where_the_majority_label_does_as_well_nothing_is_chosen() -> None:
    ways = [way("soft_prompt", 0.955, 20.0), way("majority", 0.95, 0.0, against(-0.005, 0.7))]
    made = comparison(ways)
    assert made.choose == (
        "Choose none yet: always giving the commonest label is right on 95.0% of the rows, and no way is really "
        "better. The best of the others, the soft prompt, at 95.5%, is no real difference (p = 0.70, McNemar)."
    )
    assert chosen_way(made) is None
    ways = [way("majority", 0.95, 0.0, against(0.2, 0.001)), way("soft_prompt", 0.75, 20.0), way("head", 0.7, 2.0,
            against(-0.05, 0.3))]  # fmt: skip
    assert said(ways, reference="soft_prompt") == (
        "Choose none yet: always giving the commonest label is right on 95.0% of the rows, and no way is really "
        "better. The best of the others, the soft prompt, at 75.0%, is really worse (p = 0.001, McNemar)."
    )
    assert said([way("majority", 0.5)]) == (
        "Choose none yet: always giving the commonest label is right on 50.0% of the rows, and nothing else was "
        "measured. Whether another way would do better is not known."
    )


def test_numbers_are_chosen_by_r_squared_and_never_by_the_larger_error() -> None:
    assert numbers().choose == (
        "Choose the soft prompt: R² 61.3%, really better than every other way; it trains in 5 min. "
        "TF-IDF + ridge regression, at R² 52.0%, is really worse (p < 0.001, permutation)."
    )
    ways = [number_way("soft_prompt", 0.613, 0.62, 300.0), number_way("ridge", 0.6, 0.63, 0.5, 0.3)]
    assert said(ways, **R_SQUARED) == (
        "Choose TF-IDF + ridge regression: R² 60.0%, and no other way is really better; it trains in 0.5 s. "
        "The soft prompt, at R² 61.3%, is no real difference (p = 0.30, permutation)."
    )
    untested = [number_way("lora", 0.615, 0.61, 900.0, 0.6, name="LoRA"), *ways]
    made = comparison(untested, {"soft_prompt": 0.6, "ridge": 0.2}, **R_SQUARED)
    assert made.choose.endswith("LoRA, at R² 61.5%, is no real difference (p = 0.20, permutation).")


def test_tags_and_texts_are_chosen_by_the_same_rule_and_said_in_their_own_units() -> None:
    assert tags().choose == (
        "Choose the soft prompt: entity F1 88.3%, really better than every other way; it trains in 5 min. "
        "The head, at entity F1 86.1%, is really worse (p = 0.004, randomisation)."
    )
    lora, prompt, nearest, _ = texts().ways
    prefix = prompt.model_copy(update={"key": "prefix", "name": "prefix", "score": 0.349})
    nearest = nearest.model_copy(update={"score": 0.33, "difference": against(0.05, 0.001)})
    made = comparison(
        [lora, prefix, nearest], {"prefix": 0.8, "nearest_answer": 0.2}, answer="text", metric=texts().metric,
        reference="few_shot",
    )  # fmt: skip
    assert made.choose == (
        "Choose the nearest answer: BLEU 33.0, and the way of the highest BLEU is not really better; it trains in "
        "0.2 s. LoRA, at BLEU 35.1, is no real difference (p = 0.20, randomisation), though more rows might show one."
    )


def test_where_nothing_is_reached_nothing_is_chosen() -> None:
    found = texts()
    ways = [w.model_copy(update={"score": 0.0}) for w in found.ways if w.key in ("soft_prompt", "lora")]
    made = comparison(ways, {"lora": 1.0}, answer="text", metric=found.metric, labels=[])
    assert (made.choose, made.chosen) == (
        "Choose none yet: no way reaches more than BLEU 0.0. Whether another would do better is not known.", "",
    )  # fmt: skip
    blind = [w for w in tags().ways if w.key in ("soft_prompt", "majority")]
    blind[0] = blind[0].model_copy(update={"score": 0.01})
    blind[1] = blind[1].model_copy(update={"difference": against(-0.01, 0.4, "randomisation")})
    said_of = comparison(blind, answer="tags", metric=tags().metric, labels=[]).choose
    assert said_of.startswith(
        "Choose none yet: always giving the commonest tag has entity F1 0.0%, and no way is really"
    )


def test_where_the_mean_or_the_commonest_place_does_as_well_nothing_is_chosen() -> None:
    ways = [number_way("soft_prompt", 0.01, 0.99, 300.0), number_way("mean", -0.002, 1.0, 0.0, 0.4)]
    made = comparison(ways, **R_SQUARED)
    assert (made.choose, made.chosen) == (
        "Choose none yet: always giving the mean of the training rows has a root mean squared error of 1, and no way "
        "is really better. The best of the others, the soft prompt, at R² 1.0%, is no real difference "
        "(p = 0.40, permutation).",
        "",
    )
    ways = [way("zero_shot", 0.27, 0.0), way("majority", 0.26, 0.0, against(-0.01, 0.7), name="commonest place")]
    assert said(ways, answer="choice").startswith(
        "Choose none yet: always giving the option at the commonest place is right on 26.0% of the rows, and no way"
    )


@pytest.mark.parametrize(
    ("made", "key"),
    [(numbers, "soft_prompt"), (choices, "soft_prompt"), (five_ways, "soft_prompt"), (chinese, "naive_bayes")],
)
def test_the_chosen_way_is_the_one_that_the_text_names(made: object, key: str) -> None:
    found = chosen_way(made())  # type: ignore[operator]
    assert found is not None
    assert found.key == key


def test_a_comparison_that_chooses_nothing_has_no_chosen_way() -> None:
    silent: Comparison = five_ways().model_copy(update={"choose": "", "chosen": ""})
    assert chosen_way(silent) is None
    assert choose(silent, to_best(silent.ways, {"soft_prompt": 0.21}, "label")).chosen == "soft_prompt"


@pytest.mark.parametrize(
    ("name", "said_as"),
    [
        ("soft prompt", "the soft prompt"),
        ("linear SVM", "the linear SVM"),
        ("head on a sentence encoder", "the head on a sentence encoder"),
        ("LoRA", "LoRA"),
        ("zero-shot", "zero-shot"),
    ],
)
def test_names_take_their_article(name: str, said_as: str) -> None:
    assert in_a_sentence(name) == said_as
