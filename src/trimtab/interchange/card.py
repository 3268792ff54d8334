"""The README beside an export: what it is and how to get Trimtab's answers out of it. Knows nothing about tensors.

Trimtab tokenises constant text and fields apart, and scores label words; the card spells both out as code that runs.
Front matter and escaping are those of a report's card.
"""

from __future__ import annotations

from dataclasses import asdict

from huggingface_hub import ModelCardData

from trimtab.interchange.peft import base_model
from trimtab.kinds.bound_task import BoundTask
from trimtab.prompts import DialogueEncoder, Encoder, around_ids
from trimtab.prompts.template import Slot, Soft
from trimtab.prompts.tokens import tokenize
from trimtab.prompts.verbalizer import spaced
from trimtab.reports.card import front_matter, hub_licence
from trimtab.reports.environment import code, environment, markdown
from trimtab.runs.run import Run
from trimtab.settings.methods import PTuningSettings

CARD = """\
{{ front_matter }}
# {{ name | md }}

{{ what }} of a {{ title }} tuned with Trimtab on {{ base | code }}.{% if task %} Task: {{ task | md }}{% endif %}


Template: {{ template | code }}

Label words: {{ words }}

## Use

{{ order }}

{{ code | fenced("python") }}
"""

_LOADING = """\
import torch
from transformers import {auto}, AutoTokenizer
{imports}
BACKBONE, FOLDER = {base!r}, "."
{loading}

{ids_of}

"""
CODE = (
    _LOADING
    + """\
{scoring}

{row}
scores = [torch.stack([log_likelihood(ids, word) for word in several]).logsumexp(0) for several in words.values()]
probabilities = dict(zip(words, torch.stack(scores).softmax(0).tolist()))
print(probabilities)"""
)

# Free text, the likeliest token each time.
SAID = (
    _LOADING
    + """\
{row}
answer = []
while len(answer) < {most}:
    with torch.no_grad():
        token = int(model(input_ids=torch.tensor([ids + answer])).logits[0, -1].argmax())
    if token in {ends}:
        break
    answer.append(token)
text = tokenizer.decode(answer, skip_special_tokens=True).strip()
print(text)"""
)
VOCABULARY = """\
def log_likelihood(ids, word):
    with torch.no_grad():
        logits = {logits}
    return logits.log_softmax(-1)[range(len(word)), word].{total}()

"""
# A token is scored among those that words go on with there.
BRANCHES = """\
def log_likelihood(ids, word):
    with torch.no_grad():
        logits = {logits}
    known = [other for several in words.values() for other in several]
    found = []
    for i, token in enumerate(word):
        allowed = sorted({{other[i] for other in known if other[:i] == word[:i]}})
        found.append(logits[i, allowed].log_softmax(-1)[allowed.index(token)])
    return torch.stack(found).{total}()

"""
ADAPTER = """\
tokenizer = AutoTokenizer.from_pretrained(BACKBONE)
model = {auto}.from_pretrained(BACKBONE, dtype=torch.float32)
model = PeftModel.from_pretrained(model, FOLDER).eval()
"""
MERGED = """\
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = {auto}.from_pretrained(FOLDER, dtype=torch.float32).eval()
"""
# Scores of a word's tokens: behind the row, in the mask's place, said by a decoder.
CAUSAL = "model(input_ids=torch.tensor([ids + word])).logits[0, -1 - len(word) : -1]"
MASKED = "model(input_ids=torch.tensor([ids])).logits[0, -1 - len(behind)][None]"
DECODED = """\
model(
            input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([{start} + word])
        ).logits[0, {first} : -1]"""
# Each row's options as words, the end token behind all where one begins another.
OPTIONS = """\
options = ["...", "..."]
words = {{option: {ids} for option in options}}
if any(a != b and b[: len(a)] == a for a in words.values() for b in words.values()):
    words = {{option: word + [tokenizer.eos_token_id] for option, word in words.items()}}
words = {{option: [word] for option, word in words.items()}}"""
IDS_OF = """\
def ids_of(text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]
"""
# For tokenizers that put a space of their own in front of every text.
IDS_BEHIND_NEWLINE = """\
def ids_of(text):
    newline = tokenizer("\\n", add_special_tokens=False)["input_ids"]
    return tokenizer("\\n" + text, add_special_tokens=False)["input_ids"][len(newline):]
"""


def card(run: Run, bound: BoundTask, *, merged: bool, leading: int) -> str:
    """The card as Markdown.

    Args:
        run: what was exported.
        bound: its task, bound to its backbone.
        merged: whether whole weights were written, not an adapter.
        leading: leading tokens that are part of the adapter's prompt already, so that the text has none.
    """
    base = base_model(bound.pretrained)
    words = (f"{markdown(label)}: " + ", ".join(map(code, several)) for label, several in bound.label_words().items())
    data = ModelCardData(
        base_model=base,
        library_name="transformers" if merged else "peft",
        license=hub_licence(bound.pretrained.licence),
    )
    return (
        environment()
        .from_string(CARD)
        .render(
            front_matter=front_matter(data),
            base=base,
            name=run.task.name,
            what="Merged weights" if merged else "PEFT adapter",
            title=run.task.method.title,
            task=run.task.task,
            template=bound.task.template.text.replace("\n", "\\n"),
            words="; ".join(words) or ("none: it says free text" if bound.kind.generates else "each row's own options"),
            order=_order(bound, merged, leading),
            code=_code(bound, merged, leading),
        )
    )


def _order(bound: BoundTask, merged: bool, leading: int) -> str:
    head = "".join(part for part in bound.template.head if isinstance(part, str))
    out = "The tuned prompt comes before all text. " if bound.method.tokens else ""
    if head:
        out += f"The text begins with {code(repr(head))}, which you give yourself; then comes the row. "
    if leading:
        out += "The backbone's leading tokens are part of the prompt: leave them out of the text. "
    if isinstance(bound.task.method, PTuningSettings) and not merged:
        out += "PEFT passes over the network that made the prompt: training goes on in Trimtab, not in PEFT. "
    if isinstance(bound.encoder, DialogueEncoder):
        return out + "The tokenizer's chat template writes the dialogue. These lines answer as Trimtab does:"
    return out + "The parts of a row are tokenised apart. These lines give the probabilities that Trimtab gives:"


def _code(bound: BoundTask, merged: bool, leading: int) -> str:
    backbone, tokenizer = bound.pretrained.backbone, bound.pretrained.tokenizer
    plain = tokenize(tokenizer, "a") == tokenizer("a", add_special_tokens=False)["input_ids"]
    if backbone.encoder_decoder:
        auto = "AutoModelForSeq2SeqLM"
        logits = DECODED.format(start=list(backbone.start), first=len(backbone.start) - 1)
    elif backbone.bidirectional:
        auto, logits = "AutoModelForMaskedLM", MASKED
    else:
        auto, logits = "AutoModelForCausalLM", CAUSAL
    loading, ids_of = (MERGED if merged else ADAPTER).format(auto=auto), IDS_OF if plain else IDS_BEHIND_NEWLINE
    imports, base = "" if merged else "from peft import PeftModel\n", base_model(bound.pretrained)
    row = [f"row = {dict.fromkeys(bound.template.fields, '...')!r}", *_ids(bound, leading)]
    if isinstance(bound.encoder, DialogueEncoder):
        row = _dialogue(bound.encoder, leading)
    if bound.kind.generates:
        how = bound.kind.generating(bound, None)
        return SAID.format(
            auto=auto, imports=imports, base=base, loading=loading, ids_of=ids_of, row="\n".join(row), most=how.most,
            ends=list(how.ends),
        )  # fmt: skip
    return CODE.format(
        auto=auto,
        imports=imports,
        base=base,
        loading=loading,
        ids_of=ids_of,
        scoring=(BRANCHES if bound.verbalizer.branches else VOCABULARY).format(
            logits=logits, total="mean" if bound.verbalizer.length_normalise else "sum"
        ),
        row="\n".join((*row, _words(bound))),
    )


def _words(bound: BoundTask) -> str:
    """The line that names the words' token ids, or those that make them of a row's options."""
    if not bound.kind.own_options:
        words = {
            label: [list(word.ids) for word in bound.verbalizer.words if word.label == i]
            for i, label in enumerate(bound.labels)
        }
        return f"words = {words!r}"
    lead, before = bound.template.answer_lead, bound.template.before_answer
    text = f"{lead!r} + option.lstrip()" if lead else "option"
    if not lead and spaced("a", lead, before) != "a":
        text = '(" " if option[:1].isascii() and option[:1].isalnum() else "") + option'
    return OPTIONS.format(ids=f"ids_of({text})")


def _dialogue(encoder: DialogueEncoder, leading: int) -> list[str]:
    """The lines that make a dialogue's token ids, by the tokenizer's chat template."""
    user = [{"role": "user", "content": "..."}]
    system = [asdict(message) for message in encoder.system]
    if system and not encoder.chat.system:
        system, user = [], [{"role": "user", "content": f"{system[0]['content']}\n\n..."}]
    template = f"chat_template={encoder.chat.template!r}, " if encoder.chat.template else ""
    made = f"tokenizer.apply_chat_template(messages, {template}add_generation_prompt=True, return_dict=True)"
    behind = f"[{len(encoder.chat.leading)}:]" if leading and encoder.chat.leading else ""
    return [f"messages = {[*system, *user]!r}", f'ids = list({made}["input_ids"]){behind}']


def _ids(bound: BoundTask, leading: int) -> list[str]:
    """The lines that make a row's token ids; for an encoder with the special tokens around it."""
    frame = bound.encoder.frame if isinstance(bound.encoder, Encoder) else None
    template = bound.template
    first, last = around_ids(bound.pretrained.tokenizer) if frame else (bound.leading, ())
    before = [str(list(first))] if first and not leading else []
    before += [_made(part) for part in (*template.head, *template.body)]
    behind = [_made(part) for part in template.tail] + ([str(list(last))] if last else [])
    if frame and frame.answer:
        return [
            f"behind = {' + '.join(behind) or []}",
            f"ids = {' + '.join([*before, str(list(frame.answer))])} + behind",
        ]
    return [f"ids = {' + '.join([*before, *behind])}"]


def _made(part: str | Slot | Soft) -> str:
    """The expression that makes the token ids of a part of the template."""
    assert not isinstance(part, Soft), "rows with soft slots are not exported"
    return f"ids_of({part.lead!r} + row[{part.field!r}])" if isinstance(part, Slot) else f"ids_of({part!r})"
