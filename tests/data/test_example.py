"""Records by what their answers are: what they are alike in, what classes they have, what decides them."""

from __future__ import annotations

from trimtab.data.example import ChoiceExample, Example, NumberExample, TaggedExample, TextExample

FIELDS = {"text": "a film"}
LABEL = Example(FIELDS, "good", "a:1")
CHOICE = ChoiceExample(FIELDS, "warm", "a:2", options=("cold", "warm"))
NUMBER = NumberExample(FIELDS, "3.5", "a:3", number=3.5)
TEXT = TextExample(FIELDS, "one", "a:4", references=("one", "two", "three"), tests="assert True")
TAGGED = TaggedExample(FIELDS, "O O", "a:5", tokens=("a", "film"), tags=("O", "O"))


def test_labels_and_places_are_kept_apart_and_the_rest_is_alike() -> None:
    found = [example.stratum for example in (LABEL, CHOICE, NUMBER, TEXT, TAGGED)]
    assert found == ["good", "1", "", "", ""]
    assert Example(FIELDS, None, "a:1").stratum == ChoiceExample(FIELDS, None, "a:1", options=("x",)).stratum == ""


def test_the_class_of_a_label_is_its_place_among_labels_and_of_a_choice_among_its_options() -> None:
    labels = ["bad", "good"]
    assert LABEL.class_in(labels) == 1
    assert LABEL.class_names(labels) == labels
    assert CHOICE.class_in(labels) == 1
    assert CHOICE.class_names(labels) == ("cold", "warm")
    assert LABEL.class_in(["bad"]) is None
    assert Example(FIELDS, None, "a:1").class_in(labels) is None
    assert ChoiceExample(FIELDS, None, "a:1", options=("x",)).class_in(labels) is None


def test_a_text_is_trained_on_once_a_right_answer() -> None:
    assert [example.targets for example in (LABEL, CHOICE, NUMBER, TEXT, TAGGED)] == [1, 1, 1, 3, 1]
    assert TextExample(FIELDS, "one", "a:4").targets == 1


def test_what_decides_a_row_beside_fields_and_answer() -> None:
    found = [example.decides for example in (LABEL, CHOICE, NUMBER, TEXT, TAGGED)]
    assert found == [(), ("cold", "warm"), (), ("one", "two", "three"), ("a", "film")]
    assert [example.beside for example in (LABEL, CHOICE, TEXT)] == [(), ("cold", "warm"), ()]
