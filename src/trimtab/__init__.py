"""Adapt one frozen language model to many tasks with tiny tuned prompts: the public Python API.

Names load what they need on first use, so that `import trimtab` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trimtab.backbones.open import open_backbone
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.data.example import (
        ChoiceExample,
        Example,
        MultiLabelExample,
        NumberExample,
        TaggedExample,
        TextExample,
    )
    from trimtab.errors import BackboneError, DataError, MissingExtraError, RunError, TaskError, TrimtabError
    from trimtab.inference.engine import Engine
    from trimtab.inference.perplexity import Likelihood, TextScorer
    from trimtab.inference.request import Request
    from trimtab.inference.scheduler import Scheduler
    from trimtab.inference.vectors import Embedder
    from trimtab.jobs.compare import run as compare
    from trimtab.jobs.compare_runs import run as compare_runs
    from trimtab.jobs.evaluate import run as evaluate
    from trimtab.jobs.exchange import export as export_run
    from trimtab.jobs.exchange import import_ as import_adapter
    from trimtab.jobs.predict import open_engine
    from trimtab.jobs.predict import run as predict
    from trimtab.jobs.show import run as show
    from trimtab.jobs.tune import Tuned
    from trimtab.jobs.tune import run as tune
    from trimtab.kinds.prediction import (
        ChoicePrediction,
        LabelPrediction,
        MultiLabelPrediction,
        NumberPrediction,
        Prediction,
        TagPrediction,
        TextPrediction,
    )
    from trimtab.reports.comparison import Comparison
    from trimtab.reports.run_report import RunReport
    from trimtab.runs.run import Run, load_run
    from trimtab.settings.file import make_task, read_task
    from trimtab.settings.task import Task
    from trimtab.tasks.rows import load_splits
    from trimtab.ways.wanted import Wanted

    __version__: str

_WHERE = {
    "BackboneError": ("trimtab.errors", "BackboneError"),
    "ChoiceExample": ("trimtab.data.example", "ChoiceExample"),
    "ChoicePrediction": ("trimtab.kinds.prediction", "ChoicePrediction"),
    "Comparison": ("trimtab.reports.comparison", "Comparison"),
    "DataError": ("trimtab.errors", "DataError"),
    "Embedder": ("trimtab.inference.vectors", "Embedder"),
    "Engine": ("trimtab.inference.engine", "Engine"),
    "Example": ("trimtab.data.example", "Example"),
    "LabelPrediction": ("trimtab.kinds.prediction", "LabelPrediction"),
    "Likelihood": ("trimtab.inference.perplexity", "Likelihood"),
    "MissingExtraError": ("trimtab.errors", "MissingExtraError"),
    "MultiLabelExample": ("trimtab.data.example", "MultiLabelExample"),
    "MultiLabelPrediction": ("trimtab.kinds.prediction", "MultiLabelPrediction"),
    "NumberExample": ("trimtab.data.example", "NumberExample"),
    "NumberPrediction": ("trimtab.kinds.prediction", "NumberPrediction"),
    "Prediction": ("trimtab.kinds.prediction", "Prediction"),
    "Pretrained": ("trimtab.backbones.pretrained", "Pretrained"),
    "Request": ("trimtab.inference.request", "Request"),
    "Run": ("trimtab.runs.run", "Run"),
    "RunError": ("trimtab.errors", "RunError"),
    "RunReport": ("trimtab.reports.run_report", "RunReport"),
    "TagPrediction": ("trimtab.kinds.prediction", "TagPrediction"),
    "TaggedExample": ("trimtab.data.example", "TaggedExample"),
    "Scheduler": ("trimtab.inference.scheduler", "Scheduler"),
    "Task": ("trimtab.settings.task", "Task"),
    "TaskError": ("trimtab.errors", "TaskError"),
    "TextExample": ("trimtab.data.example", "TextExample"),
    "TextPrediction": ("trimtab.kinds.prediction", "TextPrediction"),
    "TextScorer": ("trimtab.inference.perplexity", "TextScorer"),
    "TrimtabError": ("trimtab.errors", "TrimtabError"),
    "Tuned": ("trimtab.jobs.tune", "Tuned"),
    "Wanted": ("trimtab.ways.wanted", "Wanted"),
    "compare": ("trimtab.jobs.compare", "run"),
    "compare_runs": ("trimtab.jobs.compare_runs", "run"),
    "evaluate": ("trimtab.jobs.evaluate", "run"),
    "export_run": ("trimtab.jobs.exchange", "export"),
    "import_adapter": ("trimtab.jobs.exchange", "import_"),
    "load_run": ("trimtab.runs.run", "load_run"),
    "load_splits": ("trimtab.tasks.rows", "load_splits"),
    "make_task": ("trimtab.settings.file", "make_task"),
    "open_backbone": ("trimtab.backbones.open", "open_backbone"),
    "open_engine": ("trimtab.jobs.predict", "open_engine"),
    "predict": ("trimtab.jobs.predict", "run"),
    "read_task": ("trimtab.settings.file", "read_task"),
    "show": ("trimtab.jobs.show", "run"),
    "tune": ("trimtab.jobs.tune", "run"),
}

__all__ = [
    "BackboneError",
    "ChoiceExample",
    "ChoicePrediction",
    "Comparison",
    "DataError",
    "Embedder",
    "Engine",
    "Example",
    "LabelPrediction",
    "Likelihood",
    "MissingExtraError",
    "MultiLabelExample",
    "MultiLabelPrediction",
    "NumberExample",
    "NumberPrediction",
    "Prediction",
    "Pretrained",
    "Request",
    "Run",
    "RunError",
    "RunReport",
    "Scheduler",
    "TagPrediction",
    "TaggedExample",
    "Task",
    "TaskError",
    "TextExample",
    "TextPrediction",
    "TextScorer",
    "TrimtabError",
    "Tuned",
    "Wanted",
    "__version__",
    "compare",
    "compare_runs",
    "evaluate",
    "export_run",
    "import_adapter",
    "load_run",
    "load_splits",
    "make_task",
    "open_backbone",
    "open_engine",
    "predict",
    "read_task",
    "show",
    "tune",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("trimtab")
    if name not in _WHERE:
        raise AttributeError(f"module 'trimtab' has no attribute '{name}'")
    module, attribute = _WHERE[name]
    return getattr(import_module(module), attribute)
