"""The model card of a report."""

from __future__ import annotations

import re

import pytest
from huggingface_hub import ModelCard
from made_reports import (
    HOSTILE,
    bare,
    chinese,
    choices,
    hostile,
    label_sets,
    numbers,
    report,
    spans,
    tags,
    texts,
    two_classes,
)

from trimtab.reports.card import render_card
from trimtab.reports.run_report import RunReport

INTERVAL = "90.8 to 93.2"  # as on the page


def test_card_holds_what_a_reader_needs() -> None:
    card = render_card(two_classes())
    assert re.findall("^## (.*)$", card, re.MULTILINE) == [
        "Intended use", "Data", "Scores", "Limits", "Settings and cost", "Backbone and licence",
    ]  # fmt: skip
    assert f"| accuracy | 92.1% | {INTERVAL} |" in card
    assert "| naive Bayes, accuracy | 82.0% | 80.2 to 83.8 |" in card
    assert "About 8 in 100 answers are wrong; where an error matters, have a person check." in card
    assert "| train.epochs | 2.0 |" in card
    assert "Licence: Apache-2.0." in card


def test_a_fence_in_the_template_does_not_end_the_card_early() -> None:
    card = render_card(report(None, template_example="```\ncode\n```"))
    assert "````text\n```\ncode\n```\n````\n" in card


def test_table_cells_of_the_card_hold_their_bars() -> None:
    card = render_card(report(None, settings={"a": "x|y\nz"}))
    assert "| a | x\\|y z |" in card


def test_texts_of_the_data_are_inert() -> None:
    _, front_matter, body = render_card(hostile()).split("---\n", 2)
    outside_fences = re.sub(r"^```text\n.*?^```$", "", body, flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"(?<!\\)<", outside_fences) == []
    assert ModelCard(f"---\n{front_matter}---\n").data.model_name == HOSTILE


def test_chinese_is_kept() -> None:
    assert "# 外卖评论\n" in render_card(chinese())


def from_hub(made: RunReport, **changes: str) -> RunReport:
    return made.model_copy(update={"backbone": made.backbone.model_copy(update=changes)})


def test_the_front_matter_is_what_the_hub_reads() -> None:
    made = from_hub(two_classes(), origin="hub:HuggingFaceTB/SmolLM2-135M-Instruct")
    data = ModelCard(render_card(made)).data
    assert (data.base_model, data.license, data.language) == (
        "HuggingFaceTB/SmolLM2-135M-Instruct",
        "apache-2.0",
        ["en"],
    )
    assert (data.library_name, data.pipeline_tag, data.model_name) == (
        "trimtab",
        "text-classification",
        "movie-reviews",
    )
    accuracy, macro_f1 = data.eval_results
    assert (accuracy.metric_type, accuracy.metric_value) == ("accuracy", made.scored.test.accuracy)
    assert (macro_f1.metric_type, macro_f1.metric_value) == ("macro_f1", made.scored.test.macro_f1)
    assert (accuracy.dataset_name, accuracy.dataset_split) == ("movie-reviews (test)", "test")


@pytest.mark.parametrize(
    ("made", "task", "metrics"),
    [
        (choices, "multiple-choice", ["accuracy"]),
        (label_sets, "text-classification", ["micro_f1", "macro_f1", "accuracy"]),
        (spans, "question-answering", ["f1", "exact_match"]),
        (numbers, "text-classification", ["rmse", "mae", "pearson", "spearman"]),
        (tags, "token-classification", ["f1", "precision", "recall", "accuracy"]),
        (lambda: tags(plain=True), "token-classification", ["accuracy"]),
        (texts, "text-generation", ["chrf", "bleu", "rouge-l", "em", "f1", "length_ratio"]),
    ],
)
def test_the_front_matter_has_the_figures_of_the_answers(made: object, task: str, metrics: list[str]) -> None:
    data = ModelCard(render_card(made())).data  # type: ignore[operator]
    assert data.pipeline_tag == task
    assert [result.metric_type for result in data.eval_results] == metrics


def test_what_is_not_known_is_left_out_of_the_front_matter() -> None:
    unknown = from_hub(bare(), origin="local", licence="")
    unknown = unknown.model_copy(update={"data": unknown.data.model_copy(update={"language": ""})})
    data = ModelCard(render_card(unknown)).data
    assert data.to_dict() == {"library_name": "trimtab", "pipeline_tag": "text-classification"}


def test_names_cannot_break_the_front_matter() -> None:
    name = f"a: [b]\n---\n# {HOSTILE}"
    assert ModelCard(render_card(two_classes().model_copy(update={"name": name}))).data.model_name == name
