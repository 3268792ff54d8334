"""What counts of answers share: tables, orders, what is not known; and a split without answers."""

from __future__ import annotations

from trimtab.data.counts.answers import NoAnswers, commonest_first, first_unknown, table_of


def test_a_table_ends_where_all_is_told() -> None:
    counts = {"a": 3, "b": 1}
    assert table_of(counts, 4, 2, 2) == [("a", "3", "75.0%"), ("b", "1", "25.0%")]
    assert table_of(counts, 4, 2, 1) == [("a", "3", "75.0%"), ("... and 1 more", "", "")]


def test_equal_counts_stand_by_name() -> None:
    assert list(commonest_first({"c": 1, "b": 2, "a": 1})) == ["b", "a", "c"]


def test_the_first_unknown_and_how_many_more() -> None:
    assert first_unknown(["a", "b"], ["b", "a"]) is None
    assert first_unknown(["a", "b"], ["b"]) == "'a'"
    assert first_unknown(["a", "b", "c"], []) == "'a' and 2 more"
    assert first_unknown(["a"], None) is None


def test_of_no_answers_nothing_is_said() -> None:
    none = NoAnswers()
    assert (none.in_words(), none.table(20), none.conflict, none.balance()) == ("0 labels", [], None, [])
    assert (none.known, none.warnings(["a"]), none.to_dict()) == (None, [], {})
