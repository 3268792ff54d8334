"""The work of a way, foreseen in rows answered zero-shot. Knows nothing about how long one takes."""

from __future__ import annotations

from trimtab.settings.methods import FewShotSettings
from trimtab.tasks.demonstrations import DRAW_ROWS
from trimtab.training.fitting.fit import fit_dev_rows
from trimtab.training.plan import Dev, make_plan
from trimtab.ways.cells import Material
from trimtab.ways.ways import MethodWay, WayKind, method_of

# Rows that are read in the time that an answer of some two dozen tokens is said in, by a small model on a CPU.
ANSWER_SAID = 8
# What a row answered behind demonstrations costs.
SHOWN = 2


def rows_answered(way: WayKind, material: Material) -> float:
    """The work of a way by a method, in rows answered zero-shot: what it learns, and its answers.

    Dev is read once more than it is scored while training, for what is settled on it.
    """
    judged = len(material.judged)
    if way.group == "untrained":
        return way.cost * (judged + (_drawn(material) if way.seeded else 0))
    rows = sum(example.targets for example in material.splits.train)
    if isinstance(way, MethodWay) and method_of(way, material.task).fitted:
        read = rows + 2 * fit_dev_rows(material.task.train, rows, Dev(len(material.splits.dev)))
        return way.cost * read + min(1, way.cost) * judged
    plan = make_plan(material.task.train, rows, 1.0, dev=Dev(len(material.splits.dev)))
    trained = way.cost * plan.steps * plan.batch_size + (plan.evaluations(plan.steps) + 1) * plan.dev_rows
    return trained / (ANSWER_SAID if material.kind.generates else 1) + judged


def rows_set_up(way: WayKind, material: Material) -> float:
    """The work before a training's first step: that of choosing the demonstrations that it starts from."""
    shown = isinstance(way, MethodWay) and dict(way.settings).get("init") == "demonstrations"
    return SHOWN * _drawn(material) if shown else 0


def _drawn(material: Material) -> int:
    """Rows of dev that draws of demonstrations are scored on."""
    return FewShotSettings().draws * min(DRAW_ROWS, len(material.splits.dev))
