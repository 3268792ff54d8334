"""How long rows may be, and what stands around their text, in causal backbones, dialogues and encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import chats
import encoders
from trimtab.backbones.pretrained import Pretrained, load
from trimtab.errors import TaskError
from trimtab.kinds.choose import template_of
from trimtab.kinds.row_encoder import causal_encoder, framed_encoder, most_tokens, room_behind
from trimtab.prompts import DialogueEncoder, Encoder, make_chat
from trimtab.settings.file import make_task
from trimtab.settings.task import Task

LONG = {"text": "a great and warm film , and funny too " * 30}


def task(**changes: Any) -> Task:
    return make_task({"task": "good ?", "template": {"text": "{task}\nText: {text}\nAnswer:{answer}"}, **changes})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    folder = encoders.save_encoder(tmp_path_factory.mktemp("encoder") / "bert")
    return load(folder, folder / "cache", name=str(folder), precision="float32")


def test_rows_are_as_long_as_the_context_or_as_is_asked_for() -> None:
    assert most_tokens(task(), 256) == 256
    assert most_tokens(task(template={"max_tokens": 64}), 256) == 64
    with pytest.raises(TaskError) as error:
        most_tokens(task(template={"max_tokens": 257}), 256)
    assert str(error.value) == ("template.max_tokens is 257, but the backbone's context is 256. Set it to 256 or less.")


def test_a_prompt_takes_of_the_room() -> None:
    assert room_behind(64, 20, 1) == 43
    assert room_behind(64, 62, 1) == 1
    with pytest.raises(TaskError) as error:
        room_behind(64, 63, 1)
    assert str(error.value) == (
        "a prompt of 63 tokens leaves no room for the input within 64 tokens. "
        "Lower method.length or raise template.max_tokens."
    )


def test_head_row_and_answer_fill_the_room_of_a_causal_backbone(pretrained: Pretrained) -> None:
    made = causal_encoder(task(), template_of(task()), pretrained, None, room=40, answer=3)
    assert isinstance(made, Encoder)
    row = made.encode(LONG)
    assert len(made.head_ids) + len(row.ids) + 3 == 40
    assert row.cut > 0


def test_a_dialogue_is_encoded_as_its_chat_template_writes_it(tmp_path: Path) -> None:
    folder = chats.save_backbone(tmp_path / "backbone")
    talking = load(folder, tmp_path / "cache", name=str(folder), precision="float32")
    chat = make_chat(talking.tokenizer)
    of_turns = task(template={"text": "{messages}"}, answer="text")
    found = causal_encoder(of_turns, template_of(of_turns), talking, chat, room=200, answer=9)
    assert isinstance(found, DialogueEncoder)
    of_texts = causal_encoder(task(), template_of(task()), talking, chat, room=200, answer=9)
    assert isinstance(of_texts, Encoder)
    assert of_texts.plain == chat.plain


@pytest.mark.parametrize("method", ["soft_prompt", "prefix"])
def test_an_encoders_row_holds_prompt_head_mask_and_special_tokens(method: str, encoder: Pretrained) -> None:
    wanted = task(method={"name": method, "length": 4}, template={"text": "text : {text} . it was {answer} ."})
    made = framed_encoder(wanted, template_of(wanted), encoder, prompt=4, most=32)
    mask, unknown = encoder.tokenizer.mask_token_id, encoder.tokenizer.unk_token_id
    row = made.encode({"text": "great"})
    # Keys and values of a prefix stand outside of the row, soft vectors behind [CLS].
    soft = [-1, -2, -3, -4] if method == "soft_prompt" else []
    expected = encoder.tokenizer("text : great . it was [MASK] .")["input_ids"]
    assert list(row.ids) == [expected[0], *soft, *expected[1:]]
    assert unknown not in row.ids
    assert row.answer == list(row.ids).index(mask)
    full = made.encode(LONG)
    assert len(full.ids) == (32 if method == "soft_prompt" else 28)
    assert full.ids[-1] == encoder.tokenizer.sep_token_id


def test_a_prompt_that_fills_an_encoders_row_is_told(encoder: Pretrained) -> None:
    wanted = task(template={"text": "text : {text} . {answer}"})
    with pytest.raises(TaskError) as error:
        framed_encoder(wanted, template_of(wanted), encoder, prompt=20, most=26)
    assert str(error.value).startswith("the template's own text takes 3 tokens and leaves none of 3 for the input.")
