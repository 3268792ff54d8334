"""The label words of a task as a backbone scores them. Knows nothing about rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trimtab.backbones.pretrained import Pretrained
from trimtab.prompts import Template, Verbalizer, make_verbalizer, wordless
from trimtab.settings.answers import NumberAnswer, TagsAnswer
from trimtab.settings.methods import FewShotSettings, SearchSettings, ZeroShotSettings
from trimtab.settings.task import Task

# A tree of label words with more inner nodes than this is a large one: to run them all would cost more than the row
# itself, and to learn them all more than to tell the labels apart.
TREE_NODES = 16


def verbalizer_of(
    task: Task, words: Mapping[str, Sequence[str]], template: Template, pretrained: Pretrained, training: bool
) -> Verbalizer:
    """Labels and their words as token ids; without a language-model head there are none to score.

    Raises:
        TrimtabError: what `make_verbalizer` has against the words.
    """
    if isinstance(task.answer, TagsAnswer):
        return wordless(task.answer.tags or ())
    if task.answer.kind != "label":
        return Verbalizer(("number",) if isinstance(task.answer, NumberAnswer) else (), (), (), ())
    if not pretrained.backbone.scores_words:
        return wordless(list(words))

    def made(branches: bool) -> Verbalizer:
        return make_verbalizer(
            words,
            pretrained.tokenizer,
            lead=template.answer_lead,
            before=template.before_answer,
            length_normalise=task.labels.length_normalise,
            masked=pretrained.backbone.bidirectional and not pretrained.backbone.encoder_decoder,
            apart=pretrained.backbone.encoder_decoder,
            branches=branches,
        )

    if task.labels.among is not None:
        return made(task.labels.among == "branches")
    verbalizer = made(False)
    untrained = isinstance(task.method, ZeroShotSettings | FewShotSettings | SearchSettings)
    return made(True) if training and not untrained and len(verbalizer.node_ids) > TREE_NODES else verbalizer
