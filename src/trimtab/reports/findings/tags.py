"""What the figures of a report on tags say. Knows nothing about HTML, Markdown or drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trimtab.evaluation.scores.tags import TagScores
from trimtab.reports.findings.findings import Axis, DevScore, Headline, Result, Table
from trimtab.reports.findings.verdict import rival_sentences, that_count, verdict_sentence
from trimtab.reports.format import capital, heading, interval_text, percent
from trimtab.reports.scored import TagBaseline, TagReport

POOR_RECALL = 0.5
FEW_ENTITIES = 10
WIDE_INTERVAL = 0.06
MOST_NAMED = 3


@dataclass(frozen=True)
class TagFindings:
    """Findings of a report whose answers are tags (see `findings.Findings`).

    Where each tag stands for itself, F1 over tokens is their accuracy, and called so.
    """

    part: TagReport

    given = "a tag for each token"
    hub_task = "token-classification"
    template = "tags.html.j2"

    @property
    def dev_score(self) -> DevScore:
        """F1, by its name where dev was scored."""
        name = f"{metric_name(self.part.dev)} on dev" if self.part.dev else "dev accuracy"
        return DevScore(name, capital(name), of_several=" F1")

    @property
    def axis(self) -> Axis:
        """F1."""
        return Axis(heading(metric_name(self._scores())))

    @property
    def columns(self) -> tuple[str, ...]:
        """F1; precision and recall beside it where tags mark entities."""
        return ("accuracy", "macro F1") if self._scores().plain else ("F1", "precision", "recall", "macro F1")

    @property
    def headline(self) -> Headline | None:
        """F1 over all entities."""
        if not self.part.headline:
            return None
        split, scores = self.part.headline
        says = f"{'of tokens tagged rightly' if scores.plain else 'entity F1'} on {scores.rows:,} {split} rows"
        return Headline(split, scores.rows, percent(scores.f1), says, interval_text(scores.intervals["f1"]))

    def results(self) -> list[Result]:
        """By F1; precision, recall and macro F1 stand beside it."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        interval = scores.intervals["f1"]
        run = Result("", scores.f1, scores.f1, interval, percent(scores.f1), interval_text(interval),
                      _beside(scores, scores.plain))  # fmt: skip
        return [run, *self._others(self.part.baselines)]

    def beside(self) -> list[tuple[str, str, str]]:
        """Macro F1, after precision and recall where tags mark entities."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        named = {} if scores.plain else {"Precision": "precision", "Recall": "recall"}
        named["Macro F1"] = "macro_f1"
        return [
            (name, percent(getattr(scores, key)), interval_text(scores.intervals[key])) for name, key in named.items()
        ]  # fmt: skip

    def rivals(self) -> list[Result]:
        """All baselines; the commonest tag counts only where no other is as good."""
        return that_count(list(self._others(self.part.baselines)), "commonest tag")

    def told(self) -> list[str]:
        """Nothing: every row is answered."""
        return []

    def summary(self) -> str:
        """F1, interval, precision, recall and the baselines beside it."""
        if not self.part.headline:
            return "Not scored."
        split, scores = self.part.headline
        beside = ", ".join(f"{other.name} {other.text}" for other in self.rivals())
        rates = "" if scores.plain else f", precision {percent(scores.precision)}, recall {percent(scores.recall)}"
        return (
            f"{capital(metric_name(scores))} {percent(scores.f1)} on {scores.rows:,} {split} rows with "
            f"{_counted(scores)} (95%: {interval_text(scores.intervals['f1'])}){rates}"
            + (f"; {beside}." if beside else ".")
        )

    def verdict(self) -> str:
        """By how many points, and a randomisation test."""
        rivals = self.rivals()
        if not self.part.headline or not rivals:
            return ""
        gap = self.part.headline[1].f1 - rivals[0].value
        apart, ranked = f"{100 * abs(gap):.1f} points", len(self.part.baselines) > 1
        return verdict_sentence(rivals[0], gap, apart, "paired randomisation test", ranked=ranked)

    def limits(self) -> list[str]:
        """Of few entities, of poor or rare types, of what counts as found."""
        if not self.part.headline:
            return []
        split, scores = self.part.headline
        sentences = rival_sentences(self.results()[0], self.rivals())
        interval = scores.intervals["f1"]
        if interval.high - interval.low > WIDE_INTERVAL:
            sentences.append(
                f"With {_counted(scores)} in {scores.rows:,} {split} rows, {metric_name(scores)} is known to "
                f"{interval_text(interval)} only."
            )
        what = "tokens tagged" if scores.plain else "entities of type"
        enough = [c for c in scores.per_type if c.support >= FEW_ENTITIES and c.recall < POOR_RECALL]
        if enough:
            named = [f"“{c.label}” (finds {percent(c.recall)})" for c in sorted(enough, key=lambda c: c.recall)]
            sentences.append(f"It misses most {what} {_listed(named)}.")
        few = [f"“{c.label}”" for c in scores.per_type if 0 < c.support < FEW_ENTITIES]
        if few:
            sentences.append(f"There are fewer than {FEW_ENTITIES} {what} {_listed(few)}: read their scores with care.")
        if not scores.plain:
            sentences.append("An entity counts as found only where its type and both its ends are right.")
        sentences.append("It knows no types but those of its training rows.")
        return sentences

    def unfound(self) -> str:
        """Nothing: tags stand one by one in the tables."""
        return ""

    def always(self) -> str:
        """Nothing beyond its limits."""
        return ""

    def caution(self) -> str:
        """How many entities are found and are right; of plain tags nothing."""
        if not self.part.headline or self.part.headline[1].plain:
            return ""
        _, scores = self.part.headline
        return (
            f"It finds {percent(scores.recall)} of the entities, and {percent(scores.precision)} of those it finds are "
            "right; where an error matters, have a person check."
        )

    def scored_on(self) -> str:
        """Rows, tokens and entities."""
        if not self.part.headline:
            return ""
        split, scores = self.part.headline
        entities = "" if scores.plain else f", {scores.entities:,} entities"
        return f"{scores.rows:,} {split} rows, {scores.tokens:,} tokens{entities}"

    def hub_metrics(self) -> dict[str, float]:
        """F1, precision and recall of entities, and the accuracy of tokens."""
        if not self.part.headline:
            return {}
        _, scores = self.part.headline
        entities = {} if scores.plain else {"F1": scores.f1, "precision": scores.precision, "recall": scores.recall}
        return entities | {"accuracy": scores.token_accuracy}

    def tables(self) -> list[Table]:
        """F1 and what it is made of, and the baselines; then the types."""
        if not self.part.headline:
            return []
        _, scores = self.part.headline
        entities = {} if scores.plain else {"f1": "entity F1", "precision": "precision", "recall": "recall"}
        named = entities | {"macro_f1": "macro F1", "token_accuracy": "token accuracy"}
        whole = [
            (name, percent(getattr(scores, key)), interval_text(scores.intervals[key])) for key, name in named.items()
        ]
        for other in sorted(self._others(self.part.baselines), key=lambda other: -other.goodness):
            whole.append((f"{other.name}, {metric_name(scores)}", other.text, other.interval_text))
        each = [
            (c.label, f"{c.support:,}", *map(percent, (c.precision, c.recall, c.f1))) for c in scores.per_type
        ]  # fmt: skip
        first = ("tag", "tokens") if scores.plain else ("type", "entities")
        return [
            Table(("", "score", "95% interval"), "<><", whole),
            Table((*first, "precision", "recall", "F1"), "<>>>>", each),
        ]

    def context(self) -> dict[str, Any]:
        """The scores."""
        return {"scores": self._scores()} if self.part.headline else {}

    def _scores(self) -> TagScores:
        assert self.part.headline is not None, "nothing was scored"
        return self.part.headline[1]

    def _others(self, baselines: list[TagBaseline]) -> list[Result]:
        plain = self.part.headline is not None and self.part.headline[1].plain
        return [
            Result(b.name, b.f1, b.f1, b.interval, percent(b.f1), interval_text(b.interval), _beside(b, plain),
                    b.seconds, b.p_value)
            for b in baselines
        ]  # fmt: skip


def metric_name(scores: TagScores) -> str:
    """Return what the headline's metric is called."""
    return "token accuracy" if scores.plain else "entity F1"


def _beside(of: TagScores | TagBaseline, plain: bool) -> tuple[str, ...]:
    """Return the figures beside F1."""
    return tuple(map(percent, (of.macro_f1,) if plain else (of.precision, of.recall, of.macro_f1)))


def _counted(scores: TagScores) -> str:
    if scores.plain:
        return f"{scores.tokens:,} tokens"
    return f"{scores.entities:,} {'entity' if scores.entities == 1 else 'entities'}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return " or ".join(names[:MOST_NAMED]) + more
