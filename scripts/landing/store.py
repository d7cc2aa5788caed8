"""The landed store: typed Parquet per table and day, a content-addressed manifest, commits that survive a kill."""

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import file_digest, sha256
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import state
from landing.tables import CLOSED_ENTRIES, NO_DAY, TABLES
from paths import pattern, quoted

FORGOTTEN = "forgotten.jsonl"  # of the data folder: a line per act of `make forget`
MOST_PARTS, SMALL_BYTES = 4, 1 << 20  # small files of one day, before they become one
DAMAGED = "damaged"  # how a landed file was read whose rows have to be read again
REMEDY = (
    "put DATA/landed back from a backup, or move it away, put every export that ever landed into the inbox and build"
)
COPIES = """
create temp table coming as select trace_key, span_key from {new};
create temp view standing as select * from {old} where file_id not in {replaced};
create temp table repeated as
select trace_key, span_key from (
    select trace_key, span_key from coming
    union all
    select standing.trace_key, standing.span_key
    from standing semi join coming using (trace_key, span_key)
)
group by all having count(*) > 1;
create temp table both_sides as
select trace_key, span_key, file_id, row_no, started_at, ended_at, filled, filename
from {new} semi join repeated using (trace_key, span_key)
union all
select trace_key, span_key, file_id, row_no, started_at, ended_at, filled, filename
from standing semi join repeated using (trace_key, span_key);
create temp table lost as
-- Keep the copy that ended, then the most complete; the rest of the order only makes the choice the same each time.
with ranked as (
    select both_sides.*, row_number() over best as place, first_value(file_id) over best as kept_of
    from both_sides
    window best as (
        partition by both_sides.trace_key, both_sides.span_key
        order by (ended_at is not null) desc, file_id in {stale}, filled desc, ended_at desc, started_at, file_id,
            row_no
    )
)
select file_id, row_no, filename, true as is_copy, kept_of from ranked where place > 1
union all
select file_id, row_no, filename, false, null from {old} where file_id in {replaced};
"""


class Store:
    """`DATA/landed`: what has landed, and how more comes in."""

    def __init__(self, data: Path):
        self.data = data
        # The engine names files without `..`, and what it names has to be found here.
        self.root = (data.resolve() if ".." in data.parts else data) / "landed"
        self.staging = self.root / ".staging"
        self.manifest_path = self.root / "manifest.json"
        self.journal_path = self.root / ".commit.json"
        self.root.mkdir(parents=True, exist_ok=True)
        self._roll_forward()
        shutil.rmtree(self.staging, ignore_errors=True)
        manifest = self._manifest()
        self.files: dict[str, dict] = manifest["files"]
        # Per Parquet file its sha256 and the `landing_no` of the files that it has rows of, as "1-256 300".
        self.parquet: dict[str, list[str]] = manifest.get("parquet", {})
        self.key: str | None = manifest.get("key")
        self.damaged: list[Path] = []
        # Stores that began before there was a choice hash with sha256; the same file keeps the same id in a store.
        self.landings: int = manifest.get("landings", 0)
        # The landing that last changed rows that had landed before: what was built on them can't be built on.
        self.rewritten: int = manifest.get("rewritten", 0)
        self.algorithm: str = manifest.get("hash", "sha256" if self.files else "blake3")
        self.forgotten: dict[str, dict] = manifest.get("forgotten", {})  # contents that don't land again
        self.forgotten_users: dict[str, str] = manifest.get("forgotten_users", {})  # keyed hash of an id: replacement
        # When files landed: the newest `landing_no` of a landing, and its time.
        self.arrivals: list[tuple[int, str]] = [(number, at) for number, at in manifest.get("arrivals", [])]
        self.retired: list[dict] = manifest.get("retired", [])  # acts of `make forget MONTH=`, in their order
        # An empty typed file lets every engine read a table that nobody has filled, or that lacks newer columns.
        empties = {self.root / table / f"day={NO_DAY}" / "empty.parquet": schema for table, schema in TABLES.items()}
        for empty, schema in {**empties, data / "closed" / ".empty" / "entries.parquet": CLOSED_ENTRIES}.items():
            whole = pa.BufferOutputStream()
            pq.write_table(schema.empty_table(), whole)
            if not empty.exists() or empty.read_bytes() != whole.getvalue().to_pybytes():
                empty.parent.mkdir(parents=True, exist_ok=True)
                part = empty.with_suffix(".part")
                part.write_bytes(whole.getvalue().to_pybytes())
                os.replace(part, empty)

    def _manifest(self) -> dict:
        if not self.manifest_path.exists():
            if landed := self._landed():
                raise state.Unreadable(
                    f"{self.manifest_path} is missing beside {len(landed):,} landed Parquet files, and without it all "
                    f"would land twice: {REMEDY}"
                )
            return {"files": {}}
        manifest = state.read(self.manifest_path, REMEDY)
        try:
            stated = manifest.pop("sum", None)
            if stated not in (None, _sum_of(manifest)) or not all(e["landing_no"] for e in manifest["files"].values()):
                raise ValueError
        except (AttributeError, KeyError, TypeError, ValueError):
            raise state.Unreadable(f"{self.manifest_path} is not what a landing wrote: {REMEDY}") from None
        return manifest

    def _landed(self) -> list[Path]:
        """Every landed Parquet file but the empty ones."""
        found = (path for table in TABLES for path in (self.root / table).glob("day=*/*.parquet"))
        return sorted(path for path in found if path.name != "empty.parquet")

    def verify(self) -> list[str]:
        """Hold every landed Parquet file against its sha256, and every one that should be there; a line for each that
        is something else. Files with rows in them count as read otherwise, so that a landing reads them again.
        """
        if not self.parquet:  # a store that began before there were sums: the next commit takes them as they are
            return []
        present = {self._name(path): path for path in self._landed()}
        sums = dict(zip(present, _each(_sha256, present.values()), strict=True))
        lines, of_number = [], {entry["landing_no"]: entry for entry in self.files.values()}
        for name in sorted(self.parquet.keys() | present.keys()):
            path, (stated, numbers) = self.root / name, self.parquet.get(name, (None, ""))
            if sums.get(name) == stated:
                continue
            if name not in self.parquet:
                raise state.Unreadable(
                    f"{path} is in no landing's manifest, and its rows would count: take it out of {self.root}"
                )
            self.damaged.append(path)
            entries = [of_number[number] for number in _numbers(numbers) if number in of_number]
            for entry in entries:
                entry["reading"] = DAMAGED
            what = "is not what landed (sha256)" if name in present else "is gone"
            names = [entry["source_file"] for entry in entries]
            rows = f"rows of {', '.join(names[:10])}" + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
            lines.append(f"{path} {what}; it has {rows if names else 'the list of what landed'}")
        return lines

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def _read(self, table: str) -> str:
        """A table's landed files for SQL to read, but for damaged ones, whose rows come again."""
        if not self.damaged:
            return f"'{pattern(self.root)}/{table}/*/*.parquet'"
        paths = [path for path in sorted((self.root / table).glob("*/*.parquet")) if path not in self.damaged]
        return "[" + ", ".join(f"'{pattern(path)}'" for path in paths) + "]"

    def _typed(self, table: str, *paths: Path) -> str:
        """Landed files for SQL to read with all of a table's columns, also those that came after a file had landed."""
        empty = self.root / table / f"day={NO_DAY}" / "empty.parquet"
        names = ", ".join(f"'{pattern(path)}'" for path in [*paths, empty])
        return f"read_parquet([{names}], hive_partitioning = false, union_by_name = true)"

    def commit(self, landed: list[dict], unread: list[dict], stale: Sequence[str] = (), rewrites: bool = False) -> None:
        """Take staged files into the store in one step: all of it stands after a kill and a rerun, or none.

        `stale`: refused files that newer ones of their names take the place of; their copies of spans give way.
        `rewrites`: rows that had landed before come out otherwise, beside those of files that land again.
        """
        moves: list[tuple[Path, Path]] = []
        replaced = [entry["file_id"] for entry in landed if entry["file_id"] in self.files]
        newest = max((entry["landing_no"] for entry in self.files.values()), default=0)
        for entry in landed:
            before = self.files.get(entry["file_id"], {})
            newest += not before
            entry["landing_no"] = before.get("landing_no", newest)
            entry["landing"] = before.get("landing") if before else self.landings + 1  # landed together
            entry["rows_superseded"] = 0
            entry.setdefault("archive_id", before.get("archive_id"))
            self.files[entry["file_id"]] = entry
        if newest > max((number for number, _ in self.arrivals), default=0):
            self.arrivals.append((newest, f"{datetime.now(UTC):%FT%T}"))
        again = [entry for entry in landed if entry["file_id"] in replaced]
        rewritten = {entry["kind"] for entry in again} | {"eval_runs" for entry in again if entry.get("evals_within")}
        for table in rewritten - {"spans"} | {"rejects"}:
            moves += self._without(table, replaced)
        if list((self.staging / "spans").glob("*/*.parquet")) or replaced:
            moves += self._drop_copies(replaced, stale)
        for entry in landed:
            if entry["continues"] in self.files and entry["file_id"] not in replaced:
                moves += self._finish(self.files[entry["continues"]])
        moves += [
            (path, self.root / path.relative_to(self.staging))
            for table in TABLES
            for path in sorted((self.staging / table).glob("day=*/*.parquet"))
        ]
        moves, removes = self._merge_parts(moves)
        self.seal(moves, unread, removes, rewrites=rewrites or bool(replaced))

    def seal(
        self,
        moves: list[tuple[Path, Path]],
        unread: list[dict],
        removes: Sequence[Path] = (),
        outdated: Sequence[str] = (),
        rewrites: bool = False,
        acts: Sequence[dict] = (),
    ) -> None:
        """Write down what is to be done, then do it: moves and removals in the store, the manifest, `outdated` files of
        the data folder, and `acts`, the lines of its log of what was forgotten.
        """
        moves += self._write_small("files", [self._file_row(entry) for entry in self.files.values()], "files")
        moves += self._write_small("rejects", unread, "unread")
        arrivals = [{"landing_no": number, "landed_at": datetime.fromisoformat(at)} for number, at in self.arrivals]
        moves += self._write_small("arrivals", arrivals, "arrivals")
        if self.retired:
            moves += self._write_small("retirements", [_days_of(act) for act in self.retired], "retirements")
            bills = [bill for act in self.retired for bill in _bills_of(act)]
            moves += self._write_small("retired_bills", bills, "retired_bills")
        written = {target for _, target in moves}
        removes = [*removes, *(path for path in self.damaged if path not in written)]
        relative = [
            [str(source.relative_to(self.root)), str(target.relative_to(self.root))] for source, target in moves
        ]
        gone = [str(path.relative_to(self.root)) for path in removes]
        self.rewritten = self.landings + 1 if rewrites else self.rewritten
        sums = self._sums(moves, removes)
        manifest = {
            "hash": self.algorithm,
            "landings": self.landings + 1,
            "rewritten": self.rewritten,
            "key": self.key,
            "parquet": sums,
            "files": dict(sorted(self.files.items(), key=lambda item: item[1]["landing_no"])),
            "forgotten": self.forgotten,
            "forgotten_users": self.forgotten_users,
            "retired": self.retired,
            "arrivals": self.arrivals,
        }
        manifest["sum"] = _sum_of(manifest)
        self.parquet, self.damaged = sums, []
        journal = {"moves": relative, "removes": gone, "manifest": manifest, "outdated": [*outdated], "acts": [*acts]}
        state.write(self.journal_path, json.dumps(journal))
        self._roll_forward()
        shutil.rmtree(self.staging, ignore_errors=True)

    def _sums(self, moves: list[tuple[Path, Path]], removes: Sequence[Path]) -> dict[str, list[str]]:
        """The manifest's `parquet` once these moves and removes are done; what moves is on the disk by then."""
        coming = {self._name(target): source for source, target in moves}
        gone = {self._name(path) for path in [*removes, *self.damaged]}
        if not self.parquet:
            coming = {self._name(path): path for path in self._landed() if self._name(path) not in gone} | coming
        kept = {name: entry for name, entry in self.parquet.items() if name not in gone and name not in coming}
        made = zip(coming, _each(self._sealed, coming.values()), strict=True)
        return dict(sorted({**kept, **dict(made)}.items()))

    def _sealed(self, path: Path) -> list[str]:
        state.sync(path)
        if path.parent == self.staging:  # lists that every commit writes anew
            return [_sha256(path), ""]
        ids = pq.read_table(path, columns=["file_id"], partitioning=None, read_dictionary=["file_id"])["file_id"]
        found = (self.files[id_]["landing_no"] for id_ in ids.unique().to_pylist() if id_ in self.files)
        return [_sha256(path), _ranges(found)]

    def _roll_forward(self) -> None:
        if not self.journal_path.exists():
            return
        journal = state.read(self.journal_path, f"it says how to end a landing that was killed; {REMEDY}")
        try:
            moves, removes, manifest = (journal[name] for name in ("moves", "removes", "manifest"))
        except (KeyError, TypeError):
            raise state.Unreadable(f"{self.journal_path} is not what a landing wrote: {REMEDY}") from None
        for source, target in moves:
            if (self.root / source).exists():
                (self.root / target).parent.mkdir(parents=True, exist_ok=True)
                os.replace(self.root / source, self.root / target)
        for name in removes:
            (self.root / name).unlink(missing_ok=True)
        for folder in {(self.root / name).parent for name in [*(target for _, target in moves), *removes]}:
            if folder.exists():
                state.sync(folder)
        for name in journal.get("outdated", []):
            state.remove(self.data / name)
        self._log(journal.get("acts", []))
        state.write(self.manifest_path, json.dumps(manifest, indent=1))
        state.remove(self.journal_path)

    def _log(self, acts: list[dict]) -> None:
        """Add the lines that the log lacks: a commit that was killed is done again."""
        path = self.data / FORGOTTEN
        known = path.read_text() if acts and path.exists() else ""
        lines = [json.dumps(act) for act in acts]
        if missing := [line for line in lines if line not in known.splitlines()]:
            torn = "\n" if known and not known.endswith("\n") else ""
            with path.open("a") as target:
                target.write(torn + "".join(f"{line}\n" for line in missing))
                target.flush()
                os.fsync(target.fileno())

    def unread(self) -> list[dict]:
        """The files that the last landing could not read."""
        path = self.root / "rejects" / f"day={NO_DAY}" / "unread.parquet"
        return pq.read_table(path, partitioning=None).to_pylist() if path.exists() else []

    def _write_small(self, table: str, rows: list[dict], name: str) -> list[tuple[Path, Path]]:
        path = self.staging / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, TABLES[table]), path)
        return [(path, self.root / table / f"day={NO_DAY}" / path.name)]

    @staticmethod
    def _file_row(entry: dict) -> dict:
        return {name: entry.get(name) for name in TABLES["files"].names}

    def _without(self, table: str, replaced: list[str]) -> list[tuple[Path, Path]]:
        """A table's landed files without the rows of files that are read again; returns moves."""
        if not replaced:
            return []
        moves, ids = [], pa.array(replaced)
        for path in sorted((self.root / table).glob("*/*.parquet")):
            if path in self.damaged:
                continue
            rows = pq.read_table(path, partitioning=None)
            kept = rows.filter(pc.invert(pc.is_in(rows["file_id"], ids)))
            if len(kept) < len(rows):
                target = self.staging / "rewritten" / table / path.parent.name / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(kept, target)
                moves.append((target, path))
        return moves

    def _drop_copies(self, replaced: list[str], stale: Sequence[str] = ()) -> list[tuple[Path, Path]]:
        """Of spans with one trace and span id keep the best copy; rewrites only the files that hold another, or rows of
        files that are read again.

        Staged files are rewritten in place, landed ones anew in staging; returns the moves of the latter.
        """
        new = f"read_parquet('{pattern(self.staging)}/spans/*/*.parquet', hive_partitioning = false, filename = true)"
        old = f"read_parquet({self._read('spans')}, hive_partitioning = false, filename = true)"
        moves = []
        with self._engine() as engine:
            if not list((self.staging / "spans").glob("*/*.parquet")):
                new = f"(from {old} limit 0)"
            engine.execute(COPIES.format(new=new, old=old, replaced=_texts(replaced), stale=_texts(stale)))
            for file_id, kept_of, dropped in engine.execute(
                "select file_id, kept_of, count(*) from lost where is_copy group by all order by all"
            ).fetchall():
                self.files[file_id]["rows_superseded"] += dropped
                copies = self.files[file_id].setdefault("gave_way_to", {})
                if kept_of != file_id:
                    copies[kept_of] = copies.get(kept_of, 0) + dropped
            for (name,) in engine.execute("select distinct filename from lost order by filename").fetchall():
                path = Path(name)
                target = (
                    path
                    if path.is_relative_to(self.staging)
                    else self.staging / "rewritten" / path.parent.name / path.name
                )
                target.parent.mkdir(parents=True, exist_ok=True)
                engine.execute(
                    f"""copy (
                        select {", ".join(TABLES["spans"].names)}
                        from {self._typed("spans", path)} as landed
                        anti join (select file_id, row_no from lost where filename = $name) as lost
                        using (file_id, row_no)
                    ) to '{quoted(target)}.part' (format parquet, compression zstd)""",
                    {"name": name},
                )
                os.replace(f"{target}.part", target)
                if target != path:
                    moves.append((target, path))
        return moves

    def _merge_parts(self, moves: list[tuple[Path, Path]]) -> tuple[list[tuple[Path, Path]], list[Path]]:
        """Days of spans that would have too many files get one; returns (moves, removes)."""
        coming = {target: source for source, target in moves if target.parent.parent.name == "spans"}
        merged: list[Path] = []
        removes: list[Path] = []
        for day in {target.parent for target in coming}:
            parts = {path: path for path in day.glob("*.parquet") if path.name != "empty.parquet"}
            parts = {path: path for path in parts if path not in self.damaged}
            parts |= {target: source for target, source in coming.items() if target.parent == day}
            small = {target: source for target, source in parts.items() if source.stat().st_size < SMALL_BYTES}
            if len(small) > MOST_PARTS:
                merged += small.values()
                removes += [target for target in small if target.exists()]
                moves = [move for move in moves if move[1] not in small]
        if merged:
            folder = self.staging / "merged"
            with self._engine() as engine:
                engine.execute(
                    f"""copy (
                        select *, coalesce(cast(started_at as date), date '{NO_DAY}') as day
                        from {self._typed("spans", *sorted(merged))}
                    ) to '{quoted(folder)}' (
                        format parquet, compression zstd, partition_by (day),
                        filename_pattern 'merged-of-{self.landings + 1}-{{i}}'
                    )"""
                )
            moves += [
                (path, self.root / "spans" / path.parent.name / path.name)
                for path in sorted(folder.glob("*/*.parquet"))
            ]
        return moves, removes

    def _finish(self, entry: dict) -> list[tuple[Path, Path]]:
        """A file that was still being written has grown: its incomplete last line is no reject any more."""
        if not entry.get("is_growing"):
            return []
        entry["is_growing"] = False
        entry["rows_read"] -= 1
        entry["rows_rejected"] -= 1
        moves = []
        for path in (self.root / "rejects" / f"day={NO_DAY}").glob(f"{entry['file_id'][:16]}-*.parquet"):
            rejects = pq.read_table(path, partitioning=None)
            last = max(rejects["line"].to_pylist(), default=0)
            kept = rejects.filter([line != last for line in rejects["line"].to_pylist()])
            target = self.staging / "rewritten" / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(kept, target)
            moves.append((target, path))
        return moves

    def _engine(self) -> duckdb.DuckDBPyConnection:
        engine = duckdb.connect(config={"preserve_insertion_order": False})
        engine.execute(f"set temp_directory = '{quoted(self.staging)}/spill'")
        return engine


def _days_of(act: dict) -> dict:
    return {name: date.fromisoformat(act[name]) for name in TABLES["retirements"].names}


def _bills_of(act: dict) -> list[dict]:
    """What bills came to when their days were retired, which the manifest states in texts."""
    return [
        {
            "charged_on": date.fromisoformat(day),
            "provider": provider,
            "account_id": account_id,
            "billed_usd": Decimal(billed),
            "prepaid_usd": Decimal(prepaid),
        }
        for day, provider, account_id, billed, prepaid in act["bills"]
    ]


def _texts(names: Sequence[str]) -> str:
    """A list of SQL; never an empty one."""
    return "(" + ", ".join(f"'{name}'" for name in ["", *names]) + ")"


def _each(call, paths: Iterable[Path]) -> Iterable:
    """On several threads: hashing and waiting for the disk let others work."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(call, paths))


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return file_digest(source, "sha256").hexdigest()


def _sum_of(manifest: dict) -> str:
    return sha256(json.dumps({**manifest, "sum": None}, sort_keys=True).encode()).hexdigest()


def _ranges(numbers: Iterable[int]) -> str:
    """Numbers of landings, as short as they are consecutive: "1-256 300"."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return " ".join(f"{first}-{last}" if first != last else f"{first}" for first, last in ranges)


def _numbers(ranges: str) -> Iterable[int]:
    for part in ranges.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)
