"""Exports as odd as they come: nested objects, ids nearly hex, words that mean nothing, names that would run."""

import csv

import hostile
from exports import batch, chat
from test_doors import LITELLM
from test_formats import read


def test_objects_in_otlp_attributes_open_at_any_depth_and_hide_nothing(tmp_path):
    """The members of nested objects are found, long text among them is not, and the span's other attributes stay."""

    def held(depth: int, name: str, value: dict) -> dict:
        for _ in range(depth):
            value = {"kvlistValue": {"values": [{"key": name, "value": value}, {"key": "empty", "value": {}}]}}
        return value

    spans = []
    for depth in range(8):
        label, text = {"stringValue": f"feature-{depth}"}, {"stringValue": "the prompt " * 200}
        more = [
            {"key": "metadata", "value": held(1, "app.feature", label)},
            {"key": "other", "value": held(depth, "deeper", text)},
            {"key": "none", "value": {"kvlistValue": {}}},
            {"key": "bytes", "value": {"bytesValue": "AAAA"}},
            None,
        ]
        spans.append({**chat(7, depth + 1), "attributes": chat(7, depth + 1)["attributes"] + more})
    path = tmp_path / "nested.jsonl"
    path.write_text(batch([chat(7, 9), *spans]) + "\n")
    found = sorted(read(path, "span_key, feature_id, input_tokens, output_tokens"))
    assert found == [(depth + 1, f"feature-{depth}", 100, 10) for depth in range(8)] + [(9, None, 100, 10)]
    assert "the prompt" not in str(read(path, "*"))


def test_a_company_of_hostile_ids_is_the_one_of_plain_ids(tmp_path):
    """Landed, built, exported, copied, reported and asked: the same money under other names, and nothing ran."""
    assert hostile.compare(tmp_path, hostile.IDS) == []


def test_ids_that_are_nearly_hex_stay_apart(tmp_path):
    """A low line is no digit, upper case is the same hex, and what is no hex keeps its case."""
    ids = ["abcdef_012345678", "abcdef0_12345678", "Ab_cdef012345678", "ab_cdef012345678", "ABCDEF0123456789"]
    path = tmp_path / "ids.jsonl"
    spans = [{**chat(1, 1), "spanId": span_id} for span_id in ids]
    spans += [{**chat(1, 2), "spanId": "abcdef0123456780", "parentSpanId": "0xabcdef0123456789"}]
    path.write_text(batch(spans) + "\n")
    found = dict(read(path, "span_id, (span_key, parent_span_key)"))
    assert set(found) == {*ids[:4], "abcdef0123456789", "abcdef0123456780"}
    assert len({key for key, _ in found.values()}) == 6
    assert found["abcdef0123456780"][1] == found["abcdef0123456789"][0]


def test_what_python_wrote_as_none_is_nothing(tmp_path):
    path = tmp_path / "spend.csv"
    row = dict.fromkeys(LITELLM, "None") | {"request_id": "r1", "call_type": "acompletion", "startTime": "2026-10-05"}
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, list(LITELLM))
        writer.writeheader()
        writer.writerow(row)
    columns = "response_id, model, input_tokens, ended_at, stated_usd, user_id, team_id, status"
    assert read(path, columns) == [("r1", None, None, None, None, None, None, "unset")]
