"""What a comparison measures, in which order, and what it leaves out; cells are made up, not measured."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits
from trimtab.errors import TrimtabError
from trimtab.evaluation.scorers.scorer import Scorer
from trimtab.kinds.choose import kind_of
from trimtab.reports.figures import Cell
from trimtab.settings.answers import LABEL
from trimtab.settings.file import make_task
from trimtab.ways import comparing
from trimtab.ways.cells import Material
from trimtab.ways.comparing import asked_for, measure_all
from trimtab.ways.wanted import Wanted
from trimtab.ways.ways import WayKind, pick_ways

KEYS = ("majority", "zero_shot", "soft_prompt", "lora")
WAYS = pick_ways(KEYS, False, kind_of(LABEL))


def rows(split: str, count: int) -> list[Example]:
    return [Example({"text": f"{split} {i}"}, ("bad", "good")[i % 4 > 0], f"{split}:{i}") for i in range(count)]


def material(test: int = 12, seed: int = 5, **settings: Any) -> Material:
    task = make_task({"data": {"train": "a.jsonl", "shots": 10}, "train": {"seed": seed}, **settings})
    splits = Splits(rows("train", 40), rows("dev", 20), rows("test", test))
    nothing: Any = None  # no backbone and no scorer is looked at
    return Material(task, Path(), splits, {}, cast(Pretrained, nothing), cast(Scorer, nothing), Path("none"))


def planned(wanted: Wanted, whole: Material | None = None) -> list[tuple[str, int, int]]:
    whole = whole or material()
    return [(way.key, seed, len(given.splits.train)) for way, seed, given in asked_for(whole.task, wanted, WAYS, whole)]


def test_all_ways_are_measured_with_every_seed_that_counts() -> None:
    assert planned(Wanted(seeds=2)) == [
        ("majority", 5, 40), ("zero_shot", 5, 40), ("soft_prompt", 5, 40), ("lora", 5, 40),
        ("soft_prompt", 6, 40), ("lora", 6, 40),
    ]  # fmt: skip


def test_where_time_is_limited_the_most_telling_way_comes_first() -> None:
    keys = [key for key, _, _ in planned(Wanted(budget_seconds=60))]
    assert keys == ["majority", "zero_shot", "soft_prompt", "lora"]
    backwards = list(reversed(WAYS))
    whole = material()
    asked = asked_for(whole.task, Wanted(budget_seconds=60), backwards, whole)
    assert [way.key for way, _, _ in asked] == keys
    asked = asked_for(whole.task, Wanted(), backwards, whole)
    assert [way.key for way, _, _ in asked] == keys[::-1]


def test_a_curve_follows_small_numbers_first_and_leaves_out_what_there_is_not() -> None:
    found = planned(Wanted(curve=(16, 8, 16, 40, 400)))
    assert [count for key, _, count in found if key == "lora"] == [40, 8, 16]


def test_fewer_rows_are_stratified_and_so_is_dev_but_test_stays() -> None:
    whole = material()
    *_, (_, _, smaller) = asked_for(whole.task, Wanted(curve=(8,)), WAYS, whole)
    assert Counter(row.answer for row in smaller.splits.train) == {"good": 6, "bad": 2}
    assert set(map(id, smaller.splits.train)) <= set(map(id, whole.splits.train))
    assert Counter(row.answer for row in smaller.splits.dev) == {"good": 6, "bad": 2}
    assert smaller.splits.test == smaller.judged == whole.splits.test
    assert (smaller.task.data.limit, smaller.task.data.shots) == (8, None)


def test_where_dev_is_judged_all_of_it_is() -> None:
    whole = material(test=0)
    *_, (_, _, smaller) = asked_for(whole.task, Wanted(curve=(8,)), WAYS, whole)
    assert smaller.judged == whole.splits.dev


class Measuring:
    """Stands in for `measure`: a cell each, but for what is to fail, in so many seconds of a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0, fails: tuple[str, ...] = ()) -> None:
        self.now, self.seconds, self.fails = 100.0, seconds, fails
        self.kept: set[str] = set()
        monkeypatch.setattr(comparing, "measure", self.measure)
        monkeypatch.setattr(comparing, "is_kept", lambda way, *_: way.key in self.kept)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def measure(self, way: WayKind, seed: int, given: Material, **_: object) -> Cell:
        self.now += self.seconds
        if way.key in self.fails:
            raise TrimtabError(f"{way.name} is out of order.", "Mend it.")
        speed = None if way.group == "baseline" else 10.0
        return Cell(seed, np.zeros(len(given.judged), int), batch_rows_per_second=speed)


def measured(wanted: Wanted, **settings: Any) -> tuple[dict[tuple[str, int], list[int]], dict[str, str], list[str]]:
    """Seeds measured by way and number of rows; why others were left out, by name; what was told."""
    whole, told = material(**settings), []
    asked = asked_for(whole.task, wanted, WAYS, whole)
    found, left = measure_all(asked, wanted, 100.0, lambda *what: told.append(what[0].key), None, None)
    cells = {(way.key, count): [cell.seed for cell in way.cells] for way, count in found}
    return cells, {one.name: one.why for one in left}, told


def test_cells_are_put_together_by_way_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    Measuring(monkeypatch)
    cells, left, told = measured(Wanted(seeds=2, curve=(8,)))
    assert cells == {
        ("majority", 40): [5], ("zero_shot", 40): [5], ("soft_prompt", 40): [5, 6], ("lora", 40): [5, 6],
        ("majority", 8): [5], ("zero_shot", 8): [5], ("soft_prompt", 8): [5, 6], ("lora", 8): [5, 6],
    }  # fmt: skip
    assert left == {}
    assert told == [*KEYS, *KEYS[2:]] * 2


def test_what_fails_is_left_out_with_its_reason_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    Measuring(monkeypatch, fails=("zero_shot",))
    cells, left, _ = measured(Wanted(curve=(8,)))
    assert list(cells) == [(key, count) for count in (40, 8) for key in KEYS if key != "zero_shot"]
    assert left == {
        "zero-shot": "zero-shot is out of order. Mend it",
        "zero-shot on 8 rows": "zero-shot is out of order. Mend it",
    }


def test_when_the_time_is_up_nothing_more_is_begun_but_what_is_kept_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Measuring(monkeypatch, seconds=30)
    clock.kept = {"lora"}
    cells, left, told = measured(Wanted(budget_seconds=60))
    assert list(cells) == [("majority", 40), ("zero_shot", 40), ("lora", 40)]
    assert left == {"soft prompt": "the time was up"}
    assert told == ["majority", "zero_shot", "lora"]


def test_what_would_take_too_long_is_left_out_before_it_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """LoRA reads 5 rows' worth a training row: 5 * steps * batch size, dev at evaluations and at the end, and test."""
    Measuring(monkeypatch)
    train = {"steps": 90, "batch_size": 8, "evaluate_every": 90}
    needed = (5 * 90 * 8 + 2 * 20 + 12) / 10
    cells, left, _ = measured(Wanted(budget_seconds=needed - 1), train={"seed": 5, **train})
    assert left == {"LoRA": "it would take about 6 min, and 6 min were left"}
    assert ("soft_prompt", 40) in cells
    assert measured(Wanted(budget_seconds=needed + 1), train={"seed": 5, **train})[1] == {}


def test_a_second_seed_that_is_left_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Measuring(monkeypatch, seconds=10)
    cells, left, _ = measured(Wanted(seeds=2, budget_seconds=46), train={"seed": 5, "steps": 1, "batch_size": 1})
    assert cells["lora", 40] == [5]
    assert cells["soft_prompt", 40] == [5, 6]
    assert left == {"LoRA, seed 6": "the time was up"}
    assert clock.now == 150
