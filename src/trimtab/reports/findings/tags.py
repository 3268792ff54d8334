"""What the figures of a report on tags say, in sentences. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from trimtab.evaluation.scores.labels import Interval
from trimtab.evaluation.scores.tags import TagScores
from trimtab.reports.findings.verdict import SIGNIFICANT, verdict_sentence
from trimtab.reports.run_report import TagBaseline, TagReport

POOR_RECALL = 0.5
FEW_ENTITIES = 10
WIDE_INTERVAL = 0.06
MOST_NAMED = 3


def headline(tags: TagReport) -> tuple[str, TagScores] | None:
    """Return the part that the report rests on, `test` or else `dev`, with its scores; None without scores."""
    if tags.test:
        return "test", tags.test
    return ("dev", tags.dev) if tags.dev else None


def figure(scores: TagScores) -> str:
    """Return what the headline's figure is called; of plain tags F1 over tokens is their accuracy."""
    return "token accuracy" if scores.plain else "entity F1"


def rivals(tags: TagReport) -> list[TagBaseline]:
    """Return the baselines, the best first; the commonest tag counts only where it is the only one."""
    others = [b for b in tags.baselines if b.name != "commonest tag"] or tags.baselines
    return sorted(others, key=lambda b: -b.f1)


def summary(tags: TagReport) -> str:
    """Return the headline as one sentence: F1, interval, precision, recall and the baselines beside it."""
    found = headline(tags)
    if not found:
        return "Not scored."
    part, scores = found
    beside = ", ".join(f"{b.name} {_percent(b.f1)}" for b in rivals(tags))
    rates = "" if scores.plain else f", precision {_percent(scores.precision)}, recall {_percent(scores.recall)}"
    name = figure(scores)
    return (
        f"{name[0].upper()}{name[1:]} {_percent(scores.f1)} on {scores.rows:,} {part} rows with {_counted(scores)} "
        f"(95%: {_between(scores.intervals['f1'])}){rates}" + (f"; {beside}." if beside else ".")
    )


def verdict(tags: TagReport) -> str:
    """Return whether the run beats the best baseline by more than chance, or "" without baselines."""
    found, others = headline(tags), rivals(tags)
    if not found or not others:
        return ""
    best, scores = others[0], found[1]
    gap = scores.f1 - best.f1
    return verdict_sentence(
        best.name, gap, f"{100 * abs(gap):.1f} points", best.p_value, "paired randomisation test",
        ranked=len(tags.baselines) > 1,
    )  # fmt: skip


def limits(tags: TagReport) -> list[str]:
    """Return what the scores do not show or warn of, a sentence each, the gravest first."""
    found = headline(tags)
    if not found:
        return []
    part, scores = found
    sentences = []
    best = next(iter(rivals(tags)), None)
    if best and best.p_value is not None and best.p_value >= SIGNIFICANT:
        sentences.append(f"{best.name.capitalize()} ({_percent(best.f1)}) does about as well.")
    elif best and best.f1 > scores.f1:
        sentences.append(f"{best.name.capitalize()} ({_percent(best.f1)}) does better.")
    interval = scores.intervals["f1"]
    if interval.high - interval.low > WIDE_INTERVAL:
        sentences.append(
            f"With {_counted(scores)} in {scores.rows:,} {part} rows, {figure(scores)} is known to "
            f"{_between(interval)} only."
        )
    what = "tokens tagged" if scores.plain else "entities of type"
    enough = [c for c in scores.per_type if c.support >= FEW_ENTITIES and c.recall < POOR_RECALL]
    if enough:
        named = [f"“{c.label}” (finds {_percent(c.recall)})" for c in sorted(enough, key=lambda c: c.recall)]
        sentences.append(f"It misses most {what} {_listed(named)}.")
    few = [f"“{c.label}”" for c in scores.per_type if 0 < c.support < FEW_ENTITIES]
    if few:
        sentences.append(f"There are fewer than {FEW_ENTITIES} {what} {_listed(few)}: read their scores with care.")
    if not scores.plain:
        sentences.append("An entity counts as found only where its type and both its ends are right.")
    sentences.append("It knows no types but those of its training rows.")
    return sentences


def _counted(scores: TagScores) -> str:
    if scores.plain:
        return f"{scores.tokens:,} tokens"
    return f"{scores.entities:,} {'entity' if scores.entities == 1 else 'entities'}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return " or ".join(names[:MOST_NAMED]) + more


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _between(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
