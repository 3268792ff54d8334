"""A task bound to a backbone: template, words and head as token ids. Knows nothing about training or files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trimtab.backbones.prefix import Prompt
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import MESSAGES, Example
from trimtab.data.tokens import leads
from trimtab.errors import TrimtabError
from trimtab.inference.answers import MOST_TOKENS, check_answer, check_kind
from trimtab.inference.nearest import Nearest
from trimtab.inference.row_encoder import before_leading, causal_encoder, framed_encoder, most_tokens, room_behind
from trimtab.inference.words import verbalizer_of
from trimtab.methods.choose import make_method
from trimtab.methods.method import Condition, Material, Method
from trimtab.prompts import (
    DIALOGUE,
    Chat,
    Demonstrations,
    DialogueEncoder,
    EncodedRow,
    Encoder,
    Template,
    Verbalizer,
    around_ids,
    default_words,
    fit_demonstrations,
    is_dialogue,
    leading_ids,
    make_chat,
    make_options,
    parse_template,
    spaced,
)
from trimtab.prompts.demonstrations import SEPARATOR, usual_count
from trimtab.prompts.encoding import head_ids, tokenize
from trimtab.prompts.template import Slot
from trimtab.runs.run import read_prompt
from trimtab.settings.answers import ChoiceAnswer, NumberAnswer, TagsAnswer, TextAnswer
from trimtab.settings.methods import (
    FewShotSettings,
    MethodSettings,
    MultitaskPromptSettings,
    PTuningSettings,
    SoftPromptSettings,
)
from trimtab.settings.task import Task


@dataclass(frozen=True)
class BoundTask:
    """Everything that turns fields into token ids and scores into labels, for one backbone.

    Attributes:
        task: the settings.
        pretrained: the backbone.
        template, encoder: see prompts/.
        verbalizer: labels and words; of choices none, as each row has its own; of numbers a single one without words;
            of tags the tags, without words.
        leading: token ids that come first in every text (Gemma's <bos>).
        method: what is trained, and how it conditions the backbone.
        demonstrations: worked examples, those that fit.
        nearest: finds those each row gets; None where all rows are shown the same.
        chat: how the backbone's chat template writes rows; None where rows are plain text.
    """

    task: Task
    pretrained: Pretrained
    template: Template
    encoder: Encoder | DialogueEncoder
    verbalizer: Verbalizer
    leading: tuple[int, ...]
    method: Method
    demonstrations: Demonstrations
    nearest: Nearest | None
    chat: Chat | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names, in order."""
        return self.verbalizer.labels

    @property
    def shown(self) -> tuple[int, ...]:
        """Token ids of the demonstrations that stand before all rows alike."""
        return () if self.nearest else self.demonstrations.ids

    def prompt(self, condition: Condition) -> Prompt:
        """What is read before a row under this condition: leading tokens, soft prompt, demonstrations, head.

        Where each row gets demonstrations of its own, these and the head belong to the row.
        """
        backbone = self.pretrained.backbone
        if backbone.bidirectional:  # where all else stands in the row
            return Prompt(backbone.embed_with([], None), condition.past, condition.soft, condition.shift)
        if condition.view is not None and condition.soft is not None:  # which has what stands before rows by itself
            return Prompt(condition.soft)
        embeddings = backbone.embed_with(self.before(condition), condition.soft)
        return Prompt(embeddings, condition.past, condition.soft if self.template.soft else None)

    def before(self, condition: Condition) -> list[int]:
        """Token ids of what a causal backbone reads before a row (see `prompt`), negative where soft vectors stand."""
        soft = [-1 - j for j in range(len(condition.soft))] if condition.soft is not None and self._in_front else []
        first = [*soft, *self.leading] if before_leading(self.task.method) else [*self.leading, *soft]
        return [*first, *self.shown, *(() if self.nearest else self.encoder.head_ids)]

    @property
    def choice(self) -> bool:
        """Whether each row has options of its own."""
        return isinstance(self.task.answer, ChoiceAnswer)

    @property
    def writes(self) -> bool:
        """Whether answers are free text."""
        return isinstance(self.task.answer, TextAnswer)

    @property
    def most(self) -> int:
        """Longest answer in free text, in tokens, its end included; 0 where answers are of another kind."""
        return _most(self.task)

    def decoding(self, own: TextAnswer | None = None) -> TextAnswer:
        """How free text is found: as the task says, or as `own` does; few-shot ends answers as it shows them."""
        settings = own or self.task.answer
        assert isinstance(settings, TextAnswer)
        if isinstance(self.task.method, FewShotSettings):
            return settings.model_copy(update={"stop": [*settings.stop, SEPARATOR]})
        return settings

    @property
    def ends(self) -> tuple[int, ...]:
        """Tokens that end an answer in free text, the one that is trained first."""
        config = getattr(self.pretrained.backbone.model, "generation_config", None)
        others = getattr(config, "eos_token_id", None)
        listed = others if isinstance(others, list) else [others]
        own = [*([self.chat.end_id] if self.chat else []), self.pretrained.tokenizer.eos_token_id, *listed]
        return tuple(dict.fromkeys(int(i) for i in own if i is not None))

    def answer_ids(self, text: str, *, whole: bool = False) -> tuple[int, ...]:
        """Token ids of an answer in free text as it stands behind a row, with its end, shortened to `most` or whole."""
        tokenizer = self.pretrained.tokenizer
        if self.chat:
            said = tuple(self.chat.answer_ids(text))
        elif self.pretrained.backbone.encoder_decoder:
            said = (*tokenizer(text_target=text, add_special_tokens=False)["input_ids"], self.ends[0])
        else:
            text = spaced(text, self.template.answer_lead, self.template.before_answer)
            said = (*tokenize(tokenizer, text), self.ends[0])
        return said if whole else said[: self.most]

    @property
    def scale(self) -> tuple[float, float] | None:
        """Mean and standard deviation that numbers are standardised by; None where answers are none."""
        answer = self.task.answer
        return (answer.mean or 0.0, answer.sd or 1.0) if isinstance(answer, NumberAnswer) else None

    @property
    def tags(self) -> TagsAnswer | None:
        """What is asked for where each token gets a tag; None where answers are of another kind."""
        return self.task.answer if isinstance(self.task.answer, TagsAnswer) else None

    def encode(
        self,
        rows: Sequence[tuple[Mapping[str, str], str]],
        options: Sequence[Sequence[str]] = (),
        tokens: Sequence[Sequence[str]] = (),
    ) -> list[EncodedRow]:
        """Rows, each (fields, where), as the token ids that are read behind the prompt.

        Where answers are tags, a row whose tokens do not fit in one is several windows (`EncodedRow.windows`).

        Args:
            rows: the rows.
            options: of choices, what each row chooses among.
            tokens: where answers are tags, the tokens of each row.

        Raises:
            TrimtabError: a row that does not fit, or whose options will not do.
        """
        if self.choice:
            trees = [self._options(own, where) for (_, where), own in zip(rows, options, strict=True)]
            taken = [tree.longest for tree in trees]
            encoded = (
                self.nearest.encode(rows, taken)
                if self.nearest
                else [self.encoder.encode(*row, own) for row, own in zip(rows, taken, strict=True)]
            )
            return [replace(row, options=tree) for row, tree in zip(encoded, trees, strict=True)]
        if self.nearest:
            return self.nearest.encode(rows)
        if self.tags and isinstance(self.encoder, Encoder):
            both = [(own, leads(own, self.tags.join)) for own in tokens]
            given = zip(rows, both, strict=True)
            return [self.encoder.encode_tagged(fields, *own, where) for (fields, where), own in given]
        return [self.encoder.encode(fields, where) for fields, where in rows]

    def _options(self, options: Sequence[str], where: str) -> Verbalizer:
        """A row's own options. Raises TrimtabError where they will not do."""
        assert isinstance(self.task.answer, ChoiceAnswer)
        if len(options) < 2:
            raise TrimtabError(f"{where}: {len(options)} options, expected two or more.", "Give the row its options.")
        own = make_options(
            options, self.pretrained.tokenizer, where, lead=self.template.answer_lead,
            before=self.template.before_answer, length_normalise=self.task.answer.length_normalise,
        )  # fmt: skip
        if own.longest >= self.encoder.budget:
            raise TrimtabError(
                f"{where}: an option of {own.longest} tokens leaves no room for the input within "
                f"{self.encoder.budget}.",
                "Shorten it, leave the row out, or raise template.max_tokens.",
            )
        return own

    def as_read(self, fields: Mapping[str, str], label: str, row: EncodedRow | None = None) -> str:
        """The row as it reads under the template, the first word of `label` in the answer's place.

        Where answers are choices, `row` is the row encoded, and `label` one of its options; where they are tags,
        `label` is all of them, which stand below the row.
        """
        if isinstance(self.encoder, DialogueEncoder):
            return self.encoder.text(fields, label)
        if self.tags:
            return f"{self.template.text(fields)}\n{label}"
        if not self.pretrained.backbone.scores_words:
            return self.template.text(fields)
        if self.writes:
            return self.template.text(fields, spaced(label, self.template.answer_lead, self.template.before_answer))
        verbalizer = row.options if row and row.options else self.verbalizer
        word = next((w.text for w in verbalizer.words if verbalizer.labels[w.label] == label), "")
        return self.template.text(fields, word)

    @property
    def _in_front(self) -> bool:
        return not self.template.soft

    def label_words(self) -> dict[str, list[str]]:
        """Label -> its words as they stand in a row, white space included; none where answers are of another kind."""
        if self.scale is not None or self.tags:
            return {}
        return {
            label: [word.text for word in self.verbalizer.words if word.label == i]
            for i, label in enumerate(self.labels)
        }


def template_of(task: Task) -> Template:
    """The parsed template of a task; tells the fields to read before a backbone is at hand.

    That of dialogues is one field; see `trimtab.prompts.chat` for what they become.
    """
    if isinstance(task.answer, TagsAnswer):
        return _template_of_tags(task, task.answer)
    dialogue = is_dialogue(text := task.template.text)
    template = parse_template(DIALOGUE if dialogue else text, task.task, task.template.truncate or (), tail=True)
    if MESSAGES in template.fields and not dialogue:
        raise TrimtabError(
            f"template.text has {{{MESSAGES}}}, which is a whole dialogue, beside other text: {text!r}.",
            "Let it stand alone, and put what is to be said of it into `task`; or give the field another name.",
        )
    if task.template.truncate is None and "text" in template.fields:
        return replace(template, truncate=frozenset({"text"}))
    return template


def _template_of_tags(task: Task, answer: TagsAnswer) -> Template:
    """A template without an answer slot, that knows the field whose tokens are tagged, which is never shortened."""
    template = parse_template(task.template.text, task.task, task.template.truncate or (), answered=False)
    tagged = [field for field in template.fields if task.data.columns.get(field, field) == answer.tokens]
    slots = [part.field for part in template.body if isinstance(part, Slot)]
    if not tagged or slots.count(tagged[0]) != 1:
        found = "no" if not tagged else "more than one"
        raise TrimtabError(
            f"template.text has {found} field of the tokens ('{answer.tokens}'): {task.template.text!r}.",
            f"Put one {{{answer.tokens}}} where they belong, or set answer.tokens to their column.",
        )
    return replace(template, tagged=tagged[0], truncate=template.truncate - {tagged[0]})


def labels_of(task: Task, answers: Sequence[str] = ()) -> Mapping[str, Sequence[str]]:
    """Label -> words as the task has them, or each answer's own name; none where answers are of another kind."""
    if task.answer.kind != "label":
        return {}
    if task.labels.words is not None:
        return task.labels.words
    return default_words(sorted(set(answers), key=lambda a: (len(a), a) if a.isdigit() else (0, a)))


def bind(
    task: Task,
    words: Mapping[str, Sequence[str]],
    pretrained: Pretrained,
    base: Path | None = None,
    examples: Sequence[Example] = (),
    training: bool = False,
    start: Sequence[int] = (),
) -> BoundTask:
    """Bind a task to a backbone.

    Args:
        task, words, pretrained: the task, its label words, and the backbone.
        base: where the method's relative paths start.
        examples: what few-shot shows, or chooses from.
        training: whether the same rows will be run many times.
        start: token ids of demonstrations that the method starts from, where it does.

    Raises:
        TrimtabError: what template, words, method or lengths have against it.
    """
    template, tokenizer, backbone = template_of(task), pretrained.tokenizer, pretrained.backbone
    check_answer(task, backbone)
    check_kind(task, template, backbone)
    if isinstance(task.answer, TextAnswer) and tokenizer.eos_token_id is None:
        raise TrimtabError("free text needs an end token, and this backbone has none.", "Choose another backbone.")
    leading = around_ids(tokenizer)[0] if backbone.bidirectional else leading_ids(tokenizer)
    dialogue = is_dialogue(task.template.text)
    chat = make_chat(tokenizer) if task.template.chat or dialogue else None
    if chat:
        leading = list(chat.leading)
        if not dialogue:
            template = chat.around(template, "" if "{task}" in task.template.text else task.task.strip())
    verbalizer = verbalizer_of(task, words, template, pretrained, training)
    _check_slots(task.method, template)
    material = Material(
        backbone, tokenizer, task.task, verbalizer, leading, [*leading, *head_ids(template, tokenizer)],
        template.soft, training, base or Path.cwd(),
        read=isinstance(task.answer, NumberAnswer | TagsAnswer), shown=start,
        writes=isinstance(task.answer, TextAnswer),
    )  # fmt: skip
    method = make_method(task.method, material, lambda folder: read_prompt(folder, pretrained))
    most = most_tokens(task, backbone.context)
    room = room_behind(most, method.tokens, len(leading))
    shown, per_row = Demonstrations(), None
    if isinstance(task.method, FewShotSettings) and examples:
        count = task.method.demonstrations or usual_count(task.method, 0, len(examples))
        per_row = count if task.method.choice == "nearest" else None
        shown = fit_demonstrations(examples, template, tokenizer, verbalizer, room=room, nearest=per_row)
    encoder: Encoder | DialogueEncoder
    if backbone.bidirectional:
        encoder = framed_encoder(task.method, template, pretrained, prompt=method.tokens, most=most)
    else:
        room -= 0 if per_row else sum(map(len, shown.rows))
        longest = _most(task) or verbalizer.longest
        encoder = causal_encoder(task, template, pretrained, chat, room=room, answer=longest)
    nearest = Nearest(backbone, tuple(leading), encoder, shown, per_row) if per_row else None
    return BoundTask(task, pretrained, template, encoder, verbalizer, tuple(leading), method, shown, nearest, chat)


def _check_slots(method: MethodSettings, template: Template) -> None:
    """Refuse soft slots in the template that the method does not fill, or cannot fill as it is told to."""
    if template.soft and not isinstance(method, SoftPromptSettings | PTuningSettings | MultitaskPromptSettings):
        raise TrimtabError(
            f"the template has {{soft}} slots, which method '{method.name}' does not fill.",
            "Take them out of template.text, or set method to soft_prompt or p_tuning.",
        )
    if template.soft and before_leading(method):
        raise TrimtabError(
            "method.before_leading puts the soft prompt before the row, and the template has {soft} slots.",
            "Take the slots out of template.text, or method.before_leading.",
        )


def _most(task: Task) -> int:
    """Longest answer in free text, in tokens; 0 where answers are of another kind."""
    return (task.answer.max_tokens or MOST_TOKENS) if isinstance(task.answer, TextAnswer) else 0
