"""The page of a comparison and its files: figures, escaping, self-containment, missing parts, errors."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape

import pytest
from html_pages import Page, headings
from made_comparisons import (
    REFERENCE,
    against,
    chinese,
    choices,
    comparison,
    five_ways,
    fourteen_ways,
    numbers,
    one_way,
    tags,
    texts,
    way,
)
from made_reports import HOSTILE

from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import Metric
from trimtab.reports.compare_page import render_comparison
from trimtab.reports.comparison import CurveLine, LeftOut

ALL = pytest.mark.parametrize(
    "made", [five_ways, chinese, one_way, fourteen_ways, numbers, choices, tags, texts], ids=lambda made: made.__name__
)  # fmt: skip


def words(html: str) -> str:
    """The texts of a page, or of a part of one, with a space wherever a tag stands."""
    text = re.sub(r"<(script|style)>.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def table(html: str) -> tuple[list[str], dict[str, list[str]]]:
    """The headings of the table of ways, and the texts of each row's cells by the name of the way."""
    whole = re.findall(r'<table class="ways".*?</table>', html, re.DOTALL)[0]
    rows = re.findall(r"<tr.*?</tr>", re.sub(r"<tfoot.*?</tfoot>", "", whole, flags=re.DOTALL), re.DOTALL)

    def cells(row: str) -> list[str]:
        return [words(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]

    names = re.findall(r'<th scope="row"[^>]*data-value="([^"]*)"', whole)
    return cells(rows[0]), dict(zip(names, map(cells, rows[1:]), strict=True))


def test_the_table_holds_every_figure() -> None:
    headings_, rows = table(render_comparison(five_ways()))
    assert headings_ == ["Way", "Accuracy", "Macro F1", "Difference", "Trained", "Training", "Memory", "On disk",
                         "Latency", "Rows/s", "Cost EUR"]  # fmt: skip
    assert rows == {
        "LoRA": ["LoRA tuned, 3 seeds", "92.7 91.5 to 93.9", "92.3",
                 "+0.8 −0.3 to +1.9 p = 0.21, no real difference", "2.4 M", "19 min", "– not measured", "9.8 MB",
                 "21 ms", "88", "0.064"],
        "soft prompt": ["soft prompt choice tuned", "91.9 90.6 to 93.1", "91.5", "the reference", "11,520", "12 min",
                        "1.8 GB", "46.2 KB", "21 ms", "88", "– not measured"],
        "naive Bayes": ["naive Bayes no language model", "82.0 80.3 to 83.8", "81.6",
                        "−9.9 −11.0 to −8.8 p < 0.001, worse", "0", "0.4 s", "– not measured", "812 KB", "0.4 ms",
                        "21,400", "– not measured"],
        "zero shot": ["zero shot untrained", "79.8 78.0 to 81.6", "79.4", "−12.1 −13.2 to −11.0 p < 0.001, worse",
                      "0", "none", "– not measured", "0", "18 ms", "9.5", "– not measured"],
        "majority": ["majority no language model", "50.1 47.8 to 52.4", "49.7",
                     "−41.8 −42.9 to −40.7 p < 0.001, worse", "0", "none", "– not measured", "0", "– not measured",
                     "– not measured", "– not measured"],
    }  # fmt: skip


def test_columns_that_nothing_was_measured_for_are_left_out() -> None:
    ways = [way("naive_bayes", 0.8, 0.4), way("majority", 0.5, 0.0, against(-0.3, 1e-9))]
    found, rows = table(render_comparison(comparison(ways)))
    assert found == ["Way", "Accuracy", "Macro F1", "Difference", "Trained", "Training", "On disk"]
    assert len(rows) == 2
    assert table(render_comparison(chinese()))[0][-1] == "Without prompt"


def test_a_real_gain_is_better_and_an_untested_way_says_so() -> None:
    ways = [way("lora", 0.95, 9.0, against(0.05, 0.001)), way("head", 0.92, 3.0), way("soft_prompt", 0.9, 9.0)]
    rows = table(render_comparison(comparison(ways, reference="soft_prompt")))[1]
    assert rows["LoRA"][3] == "+5.0 +3.9 to +6.1 p = 0.001, better"
    assert rows["head"][3] == "not tested"


def test_the_choice_comes_first() -> None:
    assert words(render_comparison(five_ways())).startswith(
        "movie-reviews · Trimtab comparison Trimtab comparison · movie-reviews Choose the soft prompt : 91.9%, and no "
        "other way is really better; it trains in 12 min. LoRA, at 92.7%, is no real difference (p = 0.21, paired "
        "bootstrap). Say whether the review is positive or negative. Ways measured 5 1 left out Scored on 1,821 test "
        "rows Trained on 6,919 rows, 2 labels Measuring took 90 min all ways and seeds Backbone SmolLM2-135M-Instruct "
        "135 million parameters"
    )


def test_a_name_with_a_colon_or_a_full_stop_is_kept_whole() -> None:
    html = render_comparison(comparison([way("soft_prompt", 0.9, 9.0, name="A. Prompt: 20 tokens")]))
    assert '<h1><strong>Choose A. Prompt: 20 tokens<span class="vanish">:</span></strong> 90.0%, the only' in html


def test_a_choice_in_other_words_or_none_is_shown_as_it_is() -> None:
    other = five_ways().model_copy(update={"choose": "Take LoRA. It is best.", "chosen": ""})
    html = render_comparison(other)
    assert "<h1>Take LoRA.</h1>" in html
    assert '<p class="verdict">It is best.</p>' in html
    assert 'class="badge"' not in html
    assert "<h1>Compared: 5 ways</h1>" in render_comparison(other.model_copy(update={"choose": ""}))


@ALL
def test_the_page_is_well_formed_and_asks_for_nothing(made: object) -> None:
    html = render_comparison(made())  # type: ignore[operator]
    page = Page(html)
    assert page.misnested == []
    assert page.open == []
    assert "nan" not in re.findall(r"[a-z]+", re.sub(r"<script>.*</script>", "", html, flags=re.DOTALL).lower())
    tags = [tag for tag, _ in page.elements]
    assert not set(tags) & {"iframe", "object", "embed", "form", "img"}
    assert tags.count("script") == 1
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            assert attributes.get(name) in (None, "data:,"), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    for address in ("url(", "@import", "http://", "https://", "fetch(", "XMLHttpRequest"):
        assert address not in html


@ALL
def test_only_the_sorting_script_may_run(made: object) -> None:
    html = render_comparison(made())  # type: ignore[operator]
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"
    )  # fmt: skip


@ALL
def test_the_page_is_accessible(made: object) -> None:
    page = Page(render_comparison(made()))  # type: ignore[operator]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a} <= set(ids)
    for tag, attributes in page.elements:
        if tag == "svg" and attributes.get("aria-hidden") != "true":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
    assert [a["aria-sort"] for _, a in page.elements if "aria-sort" in a] == ["descending"]
    assert [a["lang"] for tag, a in page.elements if tag == "html"] == ["en"]


def test_texts_of_the_data_are_inert() -> None:
    made = five_ways()
    hostile = made.model_copy(
        update={
            "name": HOSTILE,
            "task": HOSTILE,
            "choose": HOSTILE,
            "notes": [HOSTILE],
            "labels": [HOSTILE],
            "settings": {HOSTILE: HOSTILE},
            "splits": {"train": HOSTILE},
            "currency": HOSTILE,
            "ways": [w.model_copy(update={"name": HOSTILE, "notes": [HOSTILE], "kind": HOSTILE}) for w in made.ways],
            "left_out": [LeftOut(key="x", name=HOSTILE, why=HOSTILE)],
            "curves": [CurveLine(key="x", name=HOSTILE, points=[(9, 0.5, Interval(0.4, 0.6))])],
        }
    )
    html = render_comparison(hostile)
    page = Page(html)
    assert html.count("<script") == 1
    assert "<img" not in html
    assert page.misnested == []
    assert page.text.count(HOSTILE) >= 20


def test_missing_parts_leave_no_empty_sections() -> None:
    assert headings(render_comparison(five_ways())) == [
        "Way by way", "Score against cost", "Where they disagree", "Left out", "How it was measured",
    ]  # fmt: skip
    assert headings(render_comparison(fourteen_ways())) == [
        "Way by way", "Score against cost", "Learning curves", "How it was measured",
    ]  # fmt: skip
    assert headings(render_comparison(one_way())) == ["Way by way", "How it was measured"]


def test_the_majority_label_does_not_squeeze_the_axes() -> None:
    html = render_comparison(five_ways())
    assert "Not drawn: majority, at 50.1%." in html
    assert html.count('<g class="way baseline') == 3  # naive Bayes wide and narrow, and the key
    wide = comparison([way("soft_prompt", 0.9, 9.0), way("majority", 0.85, 0.0, against(-0.05, 1e-9)),
                       way("zero_shot", 0.8, 0.0, against(-0.1, 1e-9))])  # fmt: skip
    assert "Not drawn" not in render_comparison(wide)


def test_numbers_are_shown_by_r_squared_and_their_error() -> None:
    html = render_comparison(numbers())
    text = words(html)
    assert "R² in % and root mean squared error, in the numbers’ own unit, on the same 1,821 test rows" in text
    assert "soft prompt choice tuned 61.3 59.0 to 63.0" in text
    assert 'data-label="RMSE" data-value="0.62">0.62</td>' in html
    assert "Further up explains more, further left trains faster." in text
    assert "R² with fewer training rows" in text
    assert "R² is the share of the variance of the right numbers that a way explains, higher is better" in text
    assert "Fisher’s paired permutation test on squared errors (for ways of one seed)" in text
    assert "those furthest apart first. The right number is marked" in text
    assert "3.1 soft prompt 4.5 TF-IDF + ridge regression 2 in the data" in text
    assert "Not drawn: mean, at −0.2%; prefix, at −310.0%." in text  # on its scale nothing else could be told apart
    assert "Labels" not in text
    assert "ccuracy" not in html.replace("read_accuracy", "")


def test_tags_are_shown_by_the_f1_of_entities() -> None:
    html = render_comparison(tags())
    text = words(html)
    assert table(html)[0][:5] == ["Way", "Entity F1", "Precision", "Recall", "Difference"]
    assert table(html)[1]["head"][1:4] == ["86.1 84.5 to 87.7", "86.1", "87.1"]
    assert "Entity F1 in % on the same 1,821 test rows, with 95% intervals; differences in points" in text
    assert "Entity F1 and what stands beside it, on the same rows Way Entity F1 Precision Recall Macro F1" in text
    assert "Choose the soft prompt : entity F1 88.3%, really better than every other way; it trains in 5 min." in text
    assert "Further up is better, further left trains faster." in text
    assert "artist: Nina Simone soft prompt 100.0% artist: Nina; album: Simone head 0.0% no entity" in text
    assert "approximate randomisation (for ways of one seed)" in text
    assert "Not drawn: commonest tag, at 0.0%." in text
    assert "ccuracy" not in html


def test_texts_are_shown_in_the_units_of_their_metrics() -> None:
    html = render_comparison(texts())
    text = words(html)
    assert table(html)[0][:5] == ["Way", "BLEU", "chrF", "ROUGE-L", "Difference"]
    assert table(html)[1]["few shot"][1:5] == [
        "12.1 10.6 to 13.6", "32.1", "22.1", "−22.1 −23.2 to −21.0 p < 0.001, worse",
    ]  # fmt: skip
    assert "BLEU on the same 1,821 test rows" in text
    assert "LoRA 35.1 55.1 45.1 1.03" in text  # every metric
    assert "Choose the soft prompt : BLEU 34.2, and no other way is really better; it trains in 5 min." in text
    assert "LoRA, at BLEU 35.1, is no real difference (p = 0.40, randomisation)" in text
    assert f"{REFERENCE} LoRA 100.0 Alimentum serves Italian food by the river. soft prompt 44.1 Zizzi" in text
    assert "The answer in the data is marked" in text
    assert "LoRA: 17.5 from 64 rows (95%: 15.8 to 19.3)" in unescape(html)
    for drawn in re.findall(r"<svg class=.compared.*?</svg>", html, re.DOTALL):
        assert "%" not in words(drawn).replace("95%", "")


def test_a_metric_that_is_better_when_lower_is_read_so() -> None:
    lower = Metric(name="empty", what="answers without any text", higher_is_better=False)
    ways = [way("soft_prompt", 0.02, 300.0, beside={}), way("few_shot", 0.31, 0.0, against(0.29, 0.001), beside={})]
    made = comparison(ways, {"few_shot": 0.001}, answer="text", metric=lower, others=[], labels=[])
    html = render_comparison(made)
    assert 'data-name="Empty" data-first="ascending" aria-sort="ascending"' in html
    assert made.choose.startswith("Choose the soft prompt: empty 2.0%, really better than every other way;")
    assert table(html)[1]["few shot"][2] == "+29.0 +27.9 to +30.1 p = 0.001, worse"
    assert "Further down is better" in html
    assert "Empty: answers without any text. Of empty, lower is better." in words(html)


def test_choices_have_no_macro_f1() -> None:
    html = render_comparison(choices())
    text = words(html)
    assert "Accuracy in % on the same 1,821 test rows" in text
    assert "Macro F1" not in html
    assert "The right option is marked" in text
    assert re.search(r"Trained on 6,919 rows Measuring", text)


def test_learning_curves_are_given_as_figures_too() -> None:
    text = words(render_comparison(fourteen_ways()))
    figures = text[text.index("Accuracy in % by training rows") :]
    assert figures.startswith(
        "Accuracy in % by training rows, with 95% intervals Way 16 64 256 1,024 6,919 "
        "soft prompt 64.0 61.8 to 66.2 71.0 68.9 to 73.0 77.9 76.0 to 79.8 84.9 83.3 to 86.6 91.9 90.6 to 93.2"
    )


def test_who_said_what_stands_below_each_text_the_right_label_first() -> None:
    text = words(render_comparison(five_ways()))
    items = text[text.index("Where they disagree") :]
    assert "positive soft prompt, naive Bayes, zero shot negative LoRA reviews.jsonl:2" in items
    assert "3 more" in items
    unheard = five_ways().disagreements[0].model_copy(update={"answer": "positive", "answers": {"gone": "negative"}})
    html = render_comparison(five_ways().model_copy(update={"disagreements": [unheard]}))
    assert "negative gone positive nobody" in words(html)


def test_how_it_was_measured_names_tests_splits_and_machine() -> None:
    text = words(render_comparison(five_ways()))
    assert (
        "Differences are to the reference, soft prompt, row by row on the same rows. The p-values are of McNemar’s "
        "test (for ways of one seed) and a paired bootstrap over rows and seeds (for ways of several seeds), "
        "after Holm’s correction for 4 comparisons. From 0.05 up, chance could explain the difference: no real "
        "difference was found, which does not show that there is none."
    ) in text
    assert "Cost is training time at 0.20 EUR an hour." in text
    assert f"train 6,919 {'a' * 64} dev 872 {'b' * 64} test 1,821 {'c' * 64}" in text
    assert "Machine Intel Xeon 6960P, 2 threads, bfloat16" in text
    assert "full fine-tuning the time was up" in text
    alone = words(render_comparison(one_way()))
    assert "There is no test set. These are dev rows, which also served to choose: expect a little less." in alone
    assert "p-values" not in alone


def test_seeds_are_listed_where_there_are_several() -> None:
    text = words(render_comparison(five_ways()))
    assert "LoRA 0 92.7 92.3 LoRA 1 92.5 92.1 LoRA 2 92.9 92.5" in text
    assert "Seed by seed" not in render_comparison(chinese())


def test_chinese_texts_are_marked_as_chinese() -> None:
    html = render_comparison(chinese())
    assert '<bdi lang="zh">外卖评论</bdi>' in html
    assert '<bdi lang="zh">线性分类头</bdi>' in html
    assert '<p class="task" dir="auto" lang="zh">判断这条外卖评论的情感。</p>' in html
    assert '<bdi class="tag right" lang="zh">好评</bdi>' in html
    assert re.search(r'<p class="quote" dir="auto" lang="zh">味道很好', html)
    assert re.search(r'<text class="label"[^>]* lang="zh">', html)
