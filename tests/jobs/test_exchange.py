"""Export and import as jobs and on the command line: from a tuned run to an adapter and back."""

from __future__ import annotations

import json
import stat

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM

import tiny
from closeness import assert_near
from trimtab.errors import TrimtabError
from trimtab.jobs import exchange, predict
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task, read_task

TEXTS = ["a great and funny film", "awful from start to end , and boring too"]
ADAPTER_FILES = ["README.md", "adapter_config.json", "adapter_model.safetensors"]


def probabilities(folder, pretrained):
    engine = predict.open_engine(folder, pretrained=pretrained)
    return np.array([list(answer["probabilities"].values()) for answer in predict.texts(engine, TEXTS)])


@pytest.fixture
def tuned(trimtab, tmp_path, tiny_folder):
    """Tune a run of a method on the command line; return its folder."""

    def tune(method, *settings):
        tiny.write_task(tmp_path, tiny_folder, method=method)
        overrides = [part for setting in settings for part in ("--set", f"method.{setting}")]
        code, _, err = trimtab("tune", "task.yaml", "--out", "run", "--no-beside", *overrides)
        assert code == 0, err
        return tmp_path / "run"

    return tune


@pytest.mark.parametrize("method", ["soft_prompt", "prefix", "lora"])
def test_a_tuned_run_to_peft_and_back(method, trimtab, tuned, tmp_path, tiny_folder, pretrained):
    run = tuned(method, "rank=2" if method == "lora" else "length=5")
    assert trimtab("export", "run", "out/adapter") == (0, f"out/adapter: {', '.join(ADAPTER_FILES)}\n", "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["adapter"]
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, tmp_path / "out" / "adapter").eval()
    tokenizer = pretrained.tokenizer
    wanted = [tokenizer(f" {label}")["input_ids"][0] for label in ("negative", "positive")]
    found = []
    for text in TEXTS:
        ids = [i for part in ("Text:", f" {text}", "\nAnswer:") for i in tokenizer(part)["input_ids"]]
        with torch.no_grad():
            found.append(torch.softmax(model(input_ids=torch.tensor([ids])).logits[0, -1][wanted], 0).numpy())
    assert_near(probabilities(run, pretrained), found)

    # another folder, labels out of the data, a task file that asks for another method
    (tmp_path / "elsewhere").mkdir()
    tiny.write_task(tmp_path / "elsewhere", tiny_folder, labels={})
    code, out, err = trimtab("import", "out/adapter", "elsewhere/task.yaml", "--out", "again")
    assert (code, out, err) == (0, f"again: a run of method {method}; `trimtab evaluate again` scores it.\n", "")
    assert_near(probabilities(tmp_path / "again", pretrained), found)
    code, out, _ = trimtab("evaluate", "again", "--no-beside")
    assert code == 0
    assert json.loads((tmp_path / "again" / "report.json").read_text())["scored"]["test"]["rows"] == 24
    again = load_run(tmp_path / "again").task
    assert again.labels.words == {"negative": ["negative"], "positive": ["positive"]}
    assert again.data.train == str(tmp_path / "elsewhere" / "reviews.jsonl")
    assert again.method.name == method


def test_merged_weights_are_a_backbone_of_their_own(trimtab, tuned, tmp_path, pretrained):
    """Tuned weights merged, then asked without a prompt, answer as the run does."""
    run = tuned("full")
    code, out, err = trimtab("export", "run", "merged", "--format", "merged")
    assert (code, err) == (0, "")
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= set(
        out.split(": ")[1].strip().split(", ")
    )
    tiny.write_task(tmp_path, tmp_path / "merged", method="zero_shot")
    assert trimtab("tune", "task.yaml", "--out", "zero", "--no-beside").code == 0
    engine = predict.open_engine(tmp_path / "zero")
    found = [list(answer["probabilities"].values()) for answer in predict.texts(engine, TEXTS)]
    assert_near(probabilities(run, pretrained), found)


def test_nearest_tokens(trimtab, tuned, tmp_path):
    tuned("soft_prompt", "length=5")
    assert trimtab("export", "run", "words", "--format", "text") == (0, "words: nearest-tokens.json\n", "")
    described = json.loads((tmp_path / "words" / "nearest-tokens.json").read_text())
    assert list(described) == ["caution", "text", "tokens"]
    assert described["text"].startswith("is the film")  # the task description, where the prompt started
    assert [list(token) for token in described["tokens"]] == [["id", "text", "cosine"]] * 5
    assert all(0.5 < token["cosine"] <= 1 for token in described["tokens"])


@pytest.mark.parametrize("resaved", [False, True], ids=["ours", "saved again by PEFT"])
def test_p_tuning_keeps_its_network_unless_peft_saved_it(resaved, trimtab, tuned, tmp_path, tiny_folder, pretrained):
    run = tuned("p_tuning", "length=5", "hidden=4")
    assert trimtab("export", "run", "adapter").code == 0
    if resaved:
        model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
        PeftModel.from_pretrained(model, tmp_path / "adapter").save_pretrained(tmp_path / "adapter")
    code, out, err = trimtab("import", "adapter", "task.yaml")
    made = "soft_prompt" if resaved else "p_tuning"
    assert (code, out) == (0, f"runs/reviews: a run of method {made}; `trimtab evaluate runs/reviews` scores it.\n")
    lost = "Note: PEFT keeps no network of P-tuning: the prompt it made is now a soft prompt.\n"
    assert err == (lost if resaved else "")
    imported = probabilities(tmp_path / "runs" / "reviews", pretrained)
    assert_near(imported, probabilities(run, pretrained))


def test_nothing_is_left_where_an_export_is_refused(trimtab, tuned, tmp_path):
    tuned("head")
    before = sorted(tmp_path.iterdir())
    assert trimtab("export", "run", "adapter") == (
        2, "", "trimtab: run: PEFT has no adapter for method 'head'.\n"
    )  # fmt: skip
    assert trimtab("export", "run", "merged", "--format", "merged") == (
        2,
        "",
        "trimtab: run: method 'head' changes no weights that could be merged.\n"
        "         Only lora, ia3, bitfit and full do; --format peft writes prompts and prefixes.\n",
    )
    assert sorted(tmp_path.iterdir()) == before


def refusal(call) -> str:
    with pytest.raises(TrimtabError) as caught:
        call()
    return str(caught.value)


def test_folders_to_write(tmp_path, tuned, tiny_folder, pretrained):
    run = tuned("soft_prompt", "length=5")
    exchange.export(run, tmp_path / "adapter", pretrained=pretrained)
    file, task = tmp_path / "task.yaml", read_task(tmp_path / "task.yaml")
    for write in (
        lambda out: exchange.export(run, out, pretrained=pretrained),
        lambda out: exchange.import_(tmp_path / "adapter", task, out, base=tmp_path, pretrained=pretrained),
    ):
        assert refusal(lambda write=write: write(file)) == f"{file}: a file, not a folder. Choose another folder."
        assert refusal(lambda write=write: write(run)) == f"{run}: the folder is not empty. Choose another folder."
        assert refusal(lambda write=write: write(file / "x")) == (
            f"{file / 'x'}: cannot be written (File exists). Choose another folder."
        )


def test_data_is_not_needed_where_the_labels_are_given(tmp_path, tuned, tiny_folder, pretrained):
    run = tuned("soft_prompt", "length=5")
    exchange.export(run, tmp_path / "adapter", pretrained=pretrained)
    task = make_task({"backbone": str(tiny_folder), "labels": ["bad", "great"]})
    made, notes = exchange.import_(tmp_path / "adapter", task, tmp_path / "made", base=tmp_path, pretrained=pretrained)
    assert (made.name, notes, made.words) == (str(tmp_path / "made"), [], {"bad": ["bad"], "great": ["great"]})
    assert probabilities(tmp_path / "made", pretrained).shape == (2, 2)
    assert refusal(
        lambda: exchange.import_(
            tmp_path / "adapter", make_task({"backbone": "x"}), tmp_path / "x", base=tmp_path, pretrained=pretrained
        )
    ).startswith("data.train")


def test_what_is_written_is_as_readable_as_the_umask_has_it(tmp_path, umask_of_a_group):
    with exchange._whole(tmp_path / "new" / "out") as work:
        (work / "model.safetensors").touch(0o600)  # as safetensors does
    out = tmp_path / "new" / "out"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (out, out / "model.safetensors")] == [0o775, 0o664]


def test_a_full_disk_is_one_message_whoever_tells_it(tmp_path):
    full = SafetensorError("I/O error: No space left on device (os error 28)")
    with pytest.raises(TrimtabError) as error, exchange._whole(tmp_path / "out"):
        raise full
    assert str(error.value) == (
        f"{tmp_path / 'out'}: cannot be written (No space left on device). Free some space, or choose another folder."
    )
    assert list(tmp_path.iterdir()) == []
