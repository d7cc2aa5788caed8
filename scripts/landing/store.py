"""The landed store: typed Parquet per table and day, a content-addressed manifest, commits that survive a kill."""

import json
import os
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from landing.tables import DAY_OF, NO_DAY, TABLES

BATCH_ROWS = 20_000
TIMES = {"started_at", "ended_at", "created_at", "occurred_at", "start_time", "end_time"}
COPIES = """
create temp table incoming as
select trace_key, span_key, file_id, row_no, started_at, ended_at, filled, 1 as is_new from {new};
create temp table standing as
select landed.trace_key, landed.span_key, landed.file_id, landed.row_no, landed.started_at, landed.ended_at,
    landed.filled, 0 as is_new
from {old} as landed
semi join incoming on landed.trace_key = incoming.trace_key and landed.span_key = incoming.span_key;
create temp table copies as
with both_sides as (select * from incoming union all select * from standing),
repeated as (
    select trace_key, span_key from both_sides group by all having count(*) > 1
),
ranked as (
    -- Keep the copy that ended, then the most complete; the rest of the order only makes the choice the same each time.
    select both_sides.*, row_number() over (
        partition by both_sides.trace_key, both_sides.span_key
        order by (ended_at is not null) desc, filled desc, ended_at desc, started_at, file_id, row_no
    ) as place
    from both_sides join repeated using (trace_key, span_key)
)
select trace_key, span_key, file_id, row_no, place, is_new, coalesce(cast(started_at as date), date '{no_day}') as day
from ranked;
"""


class Store:
    """`DATA/landed`: what has landed, and how more comes in."""

    def __init__(self, data: Path):
        self.root = data / "landed"
        self.staging = self.root / ".staging"
        self.manifest_path = self.root / "manifest.json"
        self.journal_path = self.root / ".commit.json"
        self.root.mkdir(parents=True, exist_ok=True)
        self._roll_forward()
        shutil.rmtree(self.staging, ignore_errors=True)
        self.files: dict[str, dict] = {}
        if self.manifest_path.exists():
            self.files = json.loads(self.manifest_path.read_text())["files"]
        for table, schema in TABLES.items():
            # An empty typed file lets every engine read a table that nobody has filled.
            empty = self.root / table / f"day={NO_DAY}" / "empty.parquet"
            if not empty.exists():
                empty.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(schema.empty_table(), empty)

    def commit(self, landed: list[dict], unread: list[dict]) -> None:
        """Take staged files into the store in one step: all of it stands after a kill and a rerun, or none."""
        moves, removes = [], []
        for entry in landed:
            entry["landing_no"] = len(self.files) + 1
            entry["rows_superseded"] = 0
            self.files[entry["file_id"]] = entry
        for table in TABLES:
            staged = sorted((self.staging / table).glob("*.parquet"))
            if table == "spans" and staged:
                moved, removed = self._merge_spans()
                moves += moved
                removes += removed
            elif staged:
                moves += [(path, self.root / table / f"day={path.name[:10]}" / path.name[11:]) for path in staged]
        moves += self._write_small("files", [self._file_row(entry) for entry in self.files.values()], "files")
        moves += self._write_small("rejects", unread, "unread")
        relative = [[str(src.relative_to(self.root)), str(dst.relative_to(self.root))] for src, dst in moves]
        gone = [str(path.relative_to(self.root)) for path in removes]
        manifest = {"files": dict(sorted(self.files.items(), key=lambda item: item[1]["landing_no"]))}
        _write_text(self.journal_path, json.dumps({"moves": relative, "removes": gone, "manifest": manifest}))
        self._roll_forward()
        shutil.rmtree(self.staging, ignore_errors=True)

    def _roll_forward(self) -> None:
        if not self.journal_path.exists():
            return
        journal = json.loads(self.journal_path.read_text())
        for source, target in journal["moves"]:
            if (self.root / source).exists():
                (self.root / target).parent.mkdir(parents=True, exist_ok=True)
                os.replace(self.root / source, self.root / target)
        for name in journal["removes"]:
            (self.root / name).unlink(missing_ok=True)
        _write_text(self.manifest_path, json.dumps(journal["manifest"], indent=1))
        self.journal_path.unlink()

    def _write_small(self, table: str, rows: list[dict], name: str) -> list[tuple[Path, Path]]:
        path = self.staging / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, TABLES[table]), path)
        return [(path, self.root / table / f"day={NO_DAY}" / path.name)]

    @staticmethod
    def _file_row(entry: dict) -> dict:
        return {name: entry.get(name) for name in TABLES["files"].names}

    def _merge_spans(self) -> tuple[list[tuple[Path, Path]], list[Path]]:
        """Rewrite the days that the staged spans touch, one copy per span; returns (moves, removes)."""
        new = f"read_parquet('{_quoted(self.staging)}/spans/*.parquet', union_by_name = true)"
        old = f"read_parquet('{_quoted(self.root)}/spans/*/*.parquet', hive_partitioning = false, union_by_name = true)"
        out = self.staging / "merged"
        with duckdb.connect() as engine:
            engine.execute(f"set temp_directory = '{_quoted(self.staging)}/spill'")
            engine.execute("set preserve_insertion_order = false")
            engine.execute(COPIES.format(new=new, old=old, no_day=NO_DAY))
            for file_id, dropped in engine.execute(
                "select file_id, count(*) from copies where place > 1 group by file_id order by file_id"
            ).fetchall():
                self.files[file_id]["rows_superseded"] += dropped
            days = {
                str(row[0])
                for row in engine.execute(
                    f"select coalesce(cast(started_at as date), date '{NO_DAY}') from incoming"
                    " union select day from copies where is_new = 0 and place > 1"
                ).fetchall()
            }
            touched = [path for day in days for path in (self.root / "spans" / f"day={day}").glob("part-*.parquet")]
            sources = [new]
            if touched:
                names = ", ".join(f"'{_quoted(path)}'" for path in sorted(touched))
                sources.append(f"read_parquet([{names}], hive_partitioning = false, union_by_name = true)")
            columns = ", ".join(TABLES["spans"].names)
            union = " union all ".join(f"select {columns} from {source}" for source in sources)
            engine.execute(
                f"""copy (
                    select {columns}, coalesce(cast(started_at as date), date '{NO_DAY}') as day
                    from ({union}) as rows
                    anti join (from copies where place > 1) as lost
                        on rows.trace_key = lost.trace_key and rows.span_key = lost.span_key
                        and rows.file_id = lost.file_id and rows.row_no = lost.row_no
                ) to '{_quoted(out)}'
                (format parquet, compression zstd, partition_by (day), filename_pattern 'part-{{i}}')"""
            )
        moves = [(path, self.root / "spans" / path.parent.name / path.name) for path in sorted(out.glob("*/*.parquet"))]
        kept = {target for _, target in moves}
        return moves, [path for path in touched if path not in kept]


class Staged:
    """Rows of one file on their way into `landed/.staging`, one Parquet per table and day."""

    def __init__(self, staging: Path, file_id: str):
        self.staging, self.file_id = staging, file_id
        self.waiting: dict[str, list[dict]] = {}
        self.writers: dict[Path, pq.ParquetWriter] = {}

    def add(self, table: str, row: dict) -> None:
        rows = self.waiting.setdefault(table, [])
        rows.append(row)
        if len(rows) >= BATCH_ROWS:
            self._flush(table)

    def close(self) -> None:
        for table in list(self.waiting):
            self._flush(table)
        for writer in self.writers.values():
            writer.close()

    def _flush(self, table: str) -> None:
        rows = self.waiting.pop(table, [])
        if table == "spans":  # the merge finds the days of spans
            self._write(table, NO_DAY, rows)
            return
        by_day: dict[str, list[dict]] = {}
        for row in rows:
            moment = row.get(DAY_OF.get(table, ""))
            by_day.setdefault(str(moment)[:10] if moment else NO_DAY, []).append(row)
        for day, part in by_day.items():
            self._write(table, day, part)

    def _write(self, table: str, day: str, rows: list[dict]) -> None:
        path = self.staging / table / f"{day}-{self.file_id}.parquet"
        if path not in self.writers:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.writers[path] = pq.ParquetWriter(path, TABLES[table], compression="zstd")
        # Times arrive as aware UTC datetimes and land without a zone.
        for row in rows:
            row.update({name: row[name].replace(tzinfo=None) for name in TIMES & row.keys() if row[name]})
        self.writers[path].write_table(pa.Table.from_pylist(rows, TABLES[table]))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _write_text(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)
