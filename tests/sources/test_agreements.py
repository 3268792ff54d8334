"""Terms: asked for once, remembered, and never taken for granted."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from package_index import TERMS, know, one_file_model
from trimtab.errors import BackboneError
from trimtab.sources import agreements, describe_model, find_model


def message_of(name: str) -> str:
    with pytest.raises(BackboneError) as caught:
        find_model(name)
    return str(caught.value)


def test_terms_must_be_agreed_to_once(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index, terms=TERMS))
    refusal = (
        "tiny may only be used under the Tiny Terms, which you have not agreed to yet. Read them at "
        "https://example.org/terms; to agree, run `trimtab models tiny --agree` or set TRIMTAB_AGREE=tiny."
    )
    assert message_of("tiny") == message_of("pypi:tiny-model==1.0") == refusal
    assert not describe_model("tiny").agreed
    find_model("tiny", agree=True)
    assert find_model("tiny").name == "tiny"
    assert describe_model("tiny").agreed
    (cache / "agreements/agreed.json").unlink()
    assert message_of("tiny") == refusal  # a copy that is here already changes nothing


def test_agreement_by_environment_is_remembered(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index, terms=TERMS))
    monkeypatch.setenv("TRIMTAB_AGREE", "gemma, tiny")
    find_model("tiny")
    monkeypatch.delenv("TRIMTAB_AGREE")
    assert find_model("tiny", offline=True).licence == "MIT"


def test_what_was_agreed_to_is_kept_with_its_day_beside_what_was_before(cache: Path) -> None:
    path = cache / "agreements/agreed.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"gemma": {"title": "old"}}')
    assert not agreements.agreed(TERMS)
    agreements.require_agreement("tiny", TERMS, agree=True)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert json.loads(path.read_text()) == {
        "gemma": {"title": "old"},
        "tiny": {"title": "Tiny Terms", "url": "https://example.org/terms", "date": today},
    }
    agreements.require_agreement("tiny", TERMS, agree=False)


@pytest.mark.parametrize("content", ["", "[]", "{", '"tiny"'])
def test_a_damaged_list_holds_nothing(cache: Path, content: str) -> None:
    path = cache / "agreements/agreed.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert not agreements.agreed(TERMS)
    agreements.require_agreement("tiny", TERMS, agree=True)
    assert agreements.agreed(TERMS)


def test_where_nothing_can_be_kept_an_agreement_holds_for_this_time(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    agreements.require_agreement("tiny", TERMS, agree=True)
    assert not agreements.agreed(TERMS)


def test_terms_are_named_in_full(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    for asked, agreed in (("tiny", True), ("a,tiny", True), ("tin", False), ("tiny2", False), ("", False)):
        monkeypatch.setenv("TRIMTAB_AGREE", asked)
        assert agreements.agreed(TERMS) is agreed
