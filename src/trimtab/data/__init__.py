"""Files to examples: records, splits, cleaning, checks. Knows nothing about tokens or models."""

from trimtab.data.checks import DataReport, Finding, Lengths, Overlap, SplitReport, check
from trimtab.data.dialogues import as_field, messages_of
from trimtab.data.example import Example
from trimtab.data.mapping import RowReader, read_examples, to_example
from trimtab.data.messages import MESSAGES, Message
from trimtab.data.records import BadRecord, Record, check_source, read_records
from trimtab.data.splits import Splits, k_shot, load_splits, read_test, split_off, stratified_sample
from trimtab.data.text.clean import clean_text

__all__ = [
    "MESSAGES",
    "BadRecord",
    "DataReport",
    "Example",
    "Finding",
    "Lengths",
    "Message",
    "Overlap",
    "Record",
    "RowReader",
    "SplitReport",
    "Splits",
    "as_field",
    "check",
    "check_source",
    "clean_text",
    "k_shot",
    "load_splits",
    "messages_of",
    "read_examples",
    "read_records",
    "read_test",
    "split_off",
    "stratified_sample",
    "to_example",
]
