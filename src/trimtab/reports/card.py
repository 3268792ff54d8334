"""A report as a model card in Markdown (Mitchell et al. 2019). Knows nothing about files or how figures came about.

The front matter is huggingface_hub's `ModelCardData`, which knows how the Hub lists results, and quotes YAML. The body
is a template of our own: `ModelCard.from_template` would render it without our escaping and figures.
"""

from __future__ import annotations

from huggingface_hub import EvalResult, ModelCardData

from trimtab.reports.environment import environment
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.findings.findings import Findings
from trimtab.reports.findings.limits import limits
from trimtab.reports.format import flat_settings
from trimtab.reports.places import without_places
from trimtab.reports.run_report import RunReport

LANGUAGES = {"en": ["en"], "zh": ["zh"], "mixed": ["en", "zh"]}
# What comes before the id of a model on the Hugging Face Hub in the origin of a backbone.
HUB = "hub:"


def render_card(report: RunReport) -> str:
    """Return the model card of the run as Markdown."""
    report = without_places(report)
    findings = findings_of(report.scored)
    return (
        environment()
        .get_template("card.md.j2")
        .render(
            front_matter=front_matter(_card_data(report, findings)),
            report=report,
            given=findings.given,
            caution=findings.caution(),
            scored_on=findings.scored_on(),
            tables=findings.tables(),
            summary=findings.summary(),
            verdict=findings.verdict(),
            limits=limits(report, findings),
            settings=list(flat_settings(report.settings)),
        )
    )


def front_matter(data: ModelCardData) -> str:
    """Return the head of a card, as the Hugging Face Hub reads it, with a line break behind it."""
    return f"---\n{data.to_yaml()}\n---\n"


def hub_licence(licence: str) -> str | None:
    """Return a licence by its id on the Hub (`apache-2.0`), which is in lower case; None where it is not known."""
    return licence.lower() or None


def _card_data(report: RunReport, findings: Findings) -> ModelCardData:
    origin, results = report.backbone.origin, _results(report, findings)
    return ModelCardData(
        base_model=origin.removeprefix(HUB) if origin.startswith(HUB) else None,
        language=LANGUAGES.get(report.data.language),
        library_name="trimtab",
        license=hub_licence(report.backbone.licence),
        pipeline_tag=findings.hub_task,
        model_name=report.name if results else None,
        eval_results=results or None,
    )


def _results(report: RunReport, findings: Findings) -> list[EvalResult]:
    if not findings.headline:
        return []
    split = findings.headline.split
    source = report.data.sources.get(split) or report.name
    return [
        EvalResult(
            task_type=findings.hub_task,
            dataset_type=source,
            dataset_name=source,
            dataset_split=split,
            metric_type=name.lower().replace(" ", "_"),
            metric_name=name,
            metric_value=float(value),
        )
        for name, value in findings.hub_metrics().items()
    ]
