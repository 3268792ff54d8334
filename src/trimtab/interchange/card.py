"""The README beside an export: what it is and how to get Trimtab's answers out of it. Knows nothing about tensors.

Trimtab tokenises constant text and fields apart, and scores label words; the card spells both out as code that runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.inference.bound import BoundTask
from trimtab.inference.runs import Run
from trimtab.interchange.peft import base_model
from trimtab.prompts.template import Slot, Soft, tokenize
from trimtab.spec_methods import PTuningSettings

CARD = """\
---
base_model: {base}
library_name: {library}
---

# {name}

{what} of a {title} tuned with Trimtab on {base}. {task}

Template: `{template}`

Label words: {words}

## Use

{order}

```python
{code}
```
"""

CODE = """\
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
{imports}
BACKBONE, FOLDER = {base!r}, "."
{loading}

{ids_of}

{scoring}

row = {row!r}
ids = {ids}
words = {words!r}
scores = [torch.stack([log_likelihood(ids, word) for word in several]).logsumexp(0) for several in words.values()]
probabilities = dict(zip(words, torch.stack(scores).softmax(0).tolist()))
print(probabilities)"""

VOCABULARY = """\
def log_likelihood(ids, word):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids + word])).logits[0, -1 - len(word) : -1]
    return logits.log_softmax(-1)[range(len(word)), word].{total}()
"""
# A token is scored among those that words go on with there.
BRANCHES = """\
def log_likelihood(ids, word):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids + word])).logits[0, -1 - len(word) : -1]
    known = [other for several in words.values() for other in several]
    found = []
    for i, token in enumerate(word):
        allowed = sorted({{other[i] for other in known if other[:i] == word[:i]}})
        found.append(logits[i, allowed].log_softmax(-1)[allowed.index(token)])
    return torch.stack(found).{total}()
"""
ADAPTER = """\
tokenizer = AutoTokenizer.from_pretrained(BACKBONE)
model = AutoModelForCausalLM.from_pretrained(BACKBONE, dtype=torch.float32)
model = PeftModel.from_pretrained(model, FOLDER).eval()
"""
MERGED = """\
tokenizer = AutoTokenizer.from_pretrained(FOLDER)
model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
"""
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
    words = (f"{label}: " + ", ".join(f"`{w}`" for w in several) for label, several in bound.label_words().items())
    return CARD.format(
        base=base,
        library="transformers" if merged else "peft",
        name=run.task.name,
        what="Merged weights" if merged else "PEFT adapter",
        title=run.task.method.title,
        task=f"Task: {run.task.task}" if run.task.task else "",
        template=bound.task.template.text.replace("\n", "\\n"),
        words="; ".join(words),
        order=_order(bound, merged, leading),
        code=_code(bound, merged, leading),
    )


def _order(bound: BoundTask, merged: bool, leading: int) -> str:
    head = "".join(part for part in bound.template.head if isinstance(part, str))
    out = "The tuned prompt comes before all text. " if bound.method.tokens else ""
    if head:
        out += f"The text begins with {head!r}, which you give yourself; then comes the row. "
    if leading:
        out += "The backbone's leading tokens are part of the prompt: tokenise without special tokens. "
    if isinstance(bound.task.method, PTuningSettings) and not merged:
        out += "The network that made the prompt is not in here, so that training cannot go on from it with PEFT. "
    return out + "The parts of a row are tokenised apart. These lines give the probabilities that Trimtab gives:"


def _code(bound: BoundTask, merged: bool, leading: int) -> str:
    tokenizer, verbalizer = bound.pretrained.tokenizer, bound.verbalizer
    plain = tokenize(tokenizer, "a") == tokenizer("a", add_special_tokens=False)["input_ids"]
    words = {
        label: [list(word.ids) for word in verbalizer.words if word.label == i] for i, label in enumerate(bound.labels)
    }
    return CODE.format(
        imports="" if merged else "from peft import PeftModel\n",
        base=base_model(bound.pretrained),
        loading=MERGED if merged else ADAPTER,
        ids_of=IDS_OF if plain else IDS_BEHIND_NEWLINE,
        scoring=(BRANCHES if verbalizer.branches else VOCABULARY).format(
            total="mean" if verbalizer.length_normalise else "sum"
        ),
        row=dict.fromkeys(bound.template.fields, "..."),
        ids=_ids(bound, () if leading else bound.leading),
        words=words,
    )


def _ids(bound: BoundTask, leading: Sequence[int]) -> str:
    """The expression that makes a row's token ids."""
    made = [str(list(leading))] if leading else []
    for part in (*bound.template.head, *bound.template.body):
        assert not isinstance(part, Soft), "rows with soft slots are not exported"
        made.append(f"ids_of({part.lead!r} + row[{part.field!r}])" if isinstance(part, Slot) else f"ids_of({part!r})")
    return " + ".join(made)
