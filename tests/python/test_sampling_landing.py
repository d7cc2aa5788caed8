"""How many spans a landed span stands for (its adjusted count), from each way in which samplers write it down."""

import duckdb
import pyarrow as pa
from exports import batch, span
from landings import inline

import land
from landing.tables import TABLES

LATER = ("adjusted_count", "is_tail_sampled")


def landed(data, what: str = "span_id, adjusted_count, is_tail_sampled", table: str = "spans") -> list[tuple]:
    files = f"read_parquet('{data}/landed/{table}/*/*.parquet', union_by_name = true, hive_partitioning = false)"
    return duckdb.sql(f"select {what} from {files} order by all").fetchall()


def test_spans_that_landed_before_there_were_counts_stay(tmp_path, monkeypatch):
    """Neither a better copy of one of them nor a merge of a day's small files needs columns that they do not have."""
    inline(monkeypatch)
    inbox, data = tmp_path / "inbox", tmp_path / "data"
    inbox.mkdir()
    older = pa.schema([field for field in TABLES["spans"] if field.name not in LATER])
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, "spans", older)
        (inbox / "old.jsonl").write_text(batch([span(1, 1), span(1, 2)]))
        assert land.run(inbox, data) == 0
    for number in range(3, 9):
        (inbox / f"new-{number}.jsonl").write_text(batch([span(1, number), span(1, 1, input=1, copy=2)]))
        assert land.run(inbox, data) == 0
    assert [span_id for span_id, *_ in landed(data)] == [f"{number:016x}" for number in range(1, 9)]
    assert landed(data, "distinct adjusted_count, is_tail_sampled") == [(None, None)]
