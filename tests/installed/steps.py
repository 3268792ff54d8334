"""What users do with an installed Trimtab, in a folder with examples/ and the demo's run; no extra is installed.

Commands run in one process, as starting one takes longer than most of them. What is only shown to run has a copy of the
default backbone cut to its first layers. Knows nothing about how Trimtab was installed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

LAYERS = 2
# Every way to do a task with labels that needs no extra; bitfit needs biases, which the backbone lacks.
WAYS = (
    "majority,rules,naive_bayes,tfidf,word_vectors,zero_shot,calibrated_zero_shot,few_shot,calibrated_few_shot,"
    "nearest_few_shot,search,soft_prompt,warp,prefix,p_tuning,multitask_prompt,late_prompt,head,full,context_tuning"
)
QUICK = (
    "--set", "train.steps=2", "--set", "train.batch_size=4", "--set", "train.evaluate_every=2",
    "--set", "data.dev_limit=4", "--set", "data.test_limit=4",
)  # fmt: skip
NOT_INSTALLED = "needs the {} library, which is not installed.\n         Install it with `pip install 'trimtab[{}]'`.\n"


def trimtab(*arguments: str | Path, stdin: str = "", code: int = 0) -> str:
    """Run a command that is to end with `code`; return what it prints, or its message where it fails."""
    [command] = entry_points(group="console_scripts", name="trimtab")
    out, err, ended = io.StringIO(), io.StringIO(), 0
    began, before = time.monotonic(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            command.load()([str(argument) for argument in arguments])
    except SystemExit as end:
        ended = int(end.code or 0)
    finally:
        sys.stdin = before
    shown = " ".join(map(str, arguments))
    sys.stdout.write(f"{time.monotonic() - began:5.1f} s  trimtab {shown}\n")
    if ended != code:
        raise AssertionError(f"trimtab {shown} ended with {ended}:\n{out.getvalue()}{err.getvalue()}")
    return err.getvalue() if code else out.getvalue()


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def write_rows(name: str, rows: list[dict[str, Any]]) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return name


def shallow_copy(of: Path, to: Path) -> None:
    """The first layers of a model folder as a folder of its own."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(of)
    model.model.layers = model.model.layers[:LAYERS]
    model.config.num_hidden_layers = LAYERS
    model.save_pretrained(to)
    AutoTokenizer.from_pretrained(of).save_pretrained(to)


def use_the_demo() -> None:
    """The demo's run on the whole default backbone, and that backbone as it is."""
    texts = ["A warm, funny film with not a dull minute in it.", "Two hours of my life that nobody gives back to me."]
    answers = lines(trimtab("predict", "runs/demo", "-t", texts[0], "-t", texts[1]))
    assert [set(answer["probabilities"]) for answer in answers] == [{"negative", "positive"}] * 2
    rows = write_rows("rows.jsonl", [{"text": text, "label": "positive"} for text in texts])
    passed_through = [{**answer, "row": {"label": "positive"}} for answer in answers]
    assert lines(trimtab("predict", "runs/demo", rows)) == passed_through
    assert "accuracy" in trimtab("evaluate", "runs/demo", "--test", rows, "--out", "again")
    assert {path.name for path in Path("again").iterdir()} >= {"report.html", "report.json", "card.md"}
    assert "perplexity" in trimtab("perplexity", "smollm2-135m", "examples/movie-reviews.yaml")
    [scored] = lines(trimtab("perplexity", "runs/demo", rows, "--json"))
    assert scored["tokens"] > 0
    assert trimtab("chat", "--backbone", "smollm2-135m", "--max-tokens", "4", stdin="Name a fruit.\n").strip()


def look() -> None:
    """What is looked at before anything is tuned."""
    assert "smollm2-135m" in trimtab("models")
    assert "refund" in trimtab("data", "examples/support-messages.csv", "--task", "examples/support-messages.yaml")
    assert "The customer asks" in trimtab("show", "examples/support-messages.yaml", "-n", "1")


def compare_ways() -> None:
    limits = ("--set", "data.limit=40", "--set", "train.epochs=null")
    trimtab(
        "compare", "examples/movie-reviews.yaml", "--out", "compared", "--methods", WAYS, "--set", "backbone=shallow",
        *QUICK, *limits,
    )  # fmt: skip
    made = json.loads(Path("compared/compare.json").read_text(encoding="utf-8"))
    assert made["left_out"] == []
    assert {way["key"] for way in made["ways"]} == set(WAYS.split(","))
    assert Path("compared/compare.html").is_file()


def exchange() -> None:
    """Every format of an export that needs no extra, and back."""
    for method, formats in {
        "soft_prompt": ("peft", "text"), "p_tuning": ("peft",), "prefix": ("peft",), "full": ("merged",),
    }.items():  # fmt: skip
        run = f"runs/{method}"
        trimtab(
            "tune", "examples/support-messages.yaml", "--out", run, "--set", f"method={method}",
            "--set", "backbone=shallow", *QUICK,
        )  # fmt: skip
        for form in formats:
            trimtab("export", run, f"exported/{method}-{form}", "--format", form)
        if "peft" in formats:
            adapter, made = f"exported/{method}-peft", f"runs/imported-{method}"
            trimtab("import", adapter, "examples/support-messages.yaml", "--out", made, "--set", "backbone=shallow")
            text = ("-t", "Where is my parcel?")
            [ours], [theirs] = lines(trimtab("predict", run, *text)), lines(trimtab("predict", made, *text))
            assert abs(ours["probability"] - theirs["probability"]) < 0.01
    merged = ("--set", "backbone=exported/full-merged", "--set", "method=zero_shot")
    trimtab("tune", "examples/support-messages.yaml", "--out", "runs/merged", *merged, *QUICK)
    assert "soft_prompt" in trimtab("evaluate", "runs/soft_prompt", "runs/full", "--out", "both")
    assert Path("both/compare.html").is_file()


def start_every_ready_task() -> None:
    """Every ready task, with the shallow backbone in place of its own, which may ask for agreement to terms."""
    import trimtab as library

    names = [line.split()[0] for line in trimtab("new").splitlines()]
    assert len(names) > 10
    for name in names:
        [path, *_] = trimtab("new", name).splitlines()
        text = library.read_task(Path(path)).answer.kind == "text"
        short = ("--set", "answer.max_tokens=6") if text else ()
        trimtab(
            "tune", path, "--out", f"runs/{name}", "--no-beside", "--set", "backbone=shallow", *QUICK, *short
        )  # fmt: skip
        assert Path("runs", name, "report.html").is_file()
    assert trimtab("chat", "runs/customer-service", "--max-tokens", "4", stdin="Where is my parcel?\n").strip()
    said = trimtab("predict", "runs/summary", "-t", "Rain fell all day.", "--set", "answer.one_of=[a storm, a drizzle]")
    assert lines(said)[0]["text"] in ("a storm", "a drizzle")


def answer_otherwise() -> None:
    """Numbers, tags, spans and sets of labels."""
    for kind, column, answers, ways in (
        ("multilabel", "labels", [["a"], ["a", "b"], []], "majority,naive_bayes,tfidf,ngrams,head,soft_prompt"),
        ("number", "score", [1.5, 2.5, 4.0], "mean,ridge,word_vector_ridge,head,soft_prompt"),
        ("span", "answers", ["film", ["good"], []], "majority,sentence,nearby_words,head,soft_prompt"),
        ("tags", "tags", [["O", "B-x"], ["B-x", "I-x"], ["O", "O"]], "majority,token_majority,hmm,head,soft_prompt"),
    ):
        rows: list[dict[str, Any]] = [
            {"text": f"good film {n}", "tokens": ["film", str(n)], "question": f"{n} ?", "context": f"a good film {n}",
             column: answers[n % 3]}
            for n in range(24)
        ]  # fmt: skip
        data = write_rows(f"{kind}.jsonl", rows)
        task = {
            "name": kind, "task": "Say how it is.", "backbone": "shallow", "answer": kind,
            "data": {"train": data, "test": data, "label": column},
        }  # fmt: skip
        Path(f"{kind}.yaml").write_text(json.dumps(task), encoding="utf-8")  # JSON is YAML
        trimtab("compare", f"{kind}.yaml", "--out", f"compared-{kind}", "--methods", ways, *QUICK)
        made = json.loads(Path(f"compared-{kind}", "compare.json").read_text(encoding="utf-8"))
        assert made["left_out"] == []


def ask_for_extras() -> None:
    """What is not installed is named."""
    task = "examples/support-messages.yaml"
    lora = f"trimtab: method 'lora' {NOT_INSTALLED.format('PEFT', 'peft')}"
    assert trimtab("tune", task, "--set", "method=lora", code=2) == lora
    assert trimtab("compare", task, "--methods", "lora,majority", code=2) == lora
    hub = f"trimtab: hub:reviews {NOT_INSTALLED.format('datasets', 'hub')}"
    assert trimtab("predict", "runs/demo", "hub:reviews", code=2) == hub


def main(which: str) -> None:
    look()
    use_the_demo()
    if which == "commonest":
        return
    [whole] = Path(os.environ["TRIMTAB_CACHE"]).glob("converted/*/config.json")
    shallow_copy(whole.parent, Path("shallow"))
    exchange()
    compare_ways()
    start_every_ready_task()
    answer_otherwise()
    ask_for_extras()


if __name__ == "__main__":
    main(*sys.argv[1:])
