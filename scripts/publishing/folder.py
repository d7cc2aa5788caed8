"""Marts as Parquet in a folder or bucket, under names of their content, and a manifest that names them.

Readers read the manifest first. It takes the older one's place in one step, after the files that it names are there;
files of the publication before stay until the next one, so that who has read the older manifest can read on.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow.fs as pafs

import state
from publishing import Refused
from publishing.marts import Ledger, Mart, differences

MANIFEST = "manifest.json"
KIND = "chargeback-ledger marts"
NAMED = re.compile(r"[a-z0-9_]+-[0-9a-f]{16}\.parquet(\.part)?")
CHUNK = 1 << 20


class Place(Protocol):
    """Where files go. Whoever reads a name finds an old file or a new one, never half of one."""

    def sizes(self) -> dict[str, int]: ...
    def read(self, name: str) -> Iterator[bytes]: ...
    def put(self, source: Path, name: str) -> None: ...
    def remove(self, name: str) -> None: ...


class Folder:
    def __init__(self, path: Path):
        self.path = path

    def sizes(self) -> dict[str, int]:
        return {entry.name: entry.stat().st_size for entry in os.scandir(self.path) if entry.is_file()}

    def read(self, name: str) -> Iterator[bytes]:
        with (self.path / name).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def put(self, source: Path, name: str) -> None:
        part = self.path / f"{name}.part"
        shutil.copyfile(source, part)
        state.sync(part)
        state.move(part, self.path / name)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)


class Bucket:
    """Objects appear whole, when their upload ends."""

    def __init__(self, system: pafs.FileSystem, path: str):
        self.system, self.path = system, path.rstrip("/")

    def sizes(self) -> dict[str, int]:
        found = self.system.get_file_info(pafs.FileSelector(self.path, allow_not_found=True))
        return {one.base_name: one.size for one in found if one.type == pafs.FileType.File}

    def read(self, name: str) -> Iterator[bytes]:
        with self.system.open_input_stream(f"{self.path}/{name}") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def put(self, source: Path, name: str) -> None:
        with source.open("rb") as file, self.system.open_output_stream(f"{self.path}/{name}") as target:
            shutil.copyfileobj(file, target, CHUNK)

    def remove(self, name: str) -> None:
        self.system.delete_file(f"{self.path}/{name}")


@contextmanager
def opened(to: str) -> Iterator[Place]:
    """The place, with a folder's lock held; a bucket has none."""
    scheme, mark, rest = to.partition("://")
    if mark and scheme != "file":
        yield Bucket(*_bucket(scheme, to, rest))
        return
    path = Path(rest if mark else to)
    path.mkdir(parents=True, exist_ok=True)
    with (path / ".publish.lock").open("w") as lock:
        if not state.locked(lock):
            raise Refused(f"another publication to {path} is running; wait for it", 2)
        yield Folder(path)


def _bucket(scheme: str, to: str, rest: str) -> tuple[pafs.FileSystem, str]:
    if scheme == "az":
        account = os.environ.get("AZURE_STORAGE_ACCOUNT")
        if not account:
            raise Refused("az:// needs the storage account's name in AZURE_STORAGE_ACCOUNT", 2)
        return pafs.AzureFileSystem(account_name=account), rest
    return pafs.FileSystem.from_uri(to)


def manifest_of(place: Place, sizes: dict[str, int], shown: str) -> dict[str, Any]:
    """What was published last."""
    if MANIFEST not in sizes:
        return {"marts": {}}
    try:
        found = json.loads(b"".join(place.read(MANIFEST)))
        is_own = found["kind"] == KIND and isinstance(found["marts"], dict)
    except (ValueError, KeyError, TypeError, RecursionError):
        is_own = False
    if not is_own:
        raise Refused(
            f"{shown} holds a {MANIFEST} that make publish did not write; name another folder, or move it away"
        )
    return found


def changed(marts: list[Mart], before: dict[str, Any], sizes: dict[str, int]) -> list[Mart]:
    """Marts with other rows or columns than were published, or whose file is gone or has another size."""

    def is_there(mart: Mart) -> bool:
        one = before["marts"].get(mart.name, {})
        return one.get("fingerprint") == mart.fingerprint and sizes.get(one.get("file", "")) == one.get("bytes")

    return [mart for mart in marts if not is_there(mart)]


def copies(ledger: Ledger, marts: list[Mart], part: Path) -> dict[str, Path]:
    """Files of the marts, each held against the ledger's totals."""
    made = {mart.name: part / f"{mart.name}.parquet" for mart in marts}
    for mart in marts:
        ledger.copy(mart, made[mart.name])
        if found := differences(mart, ledger.totals_of(mart, made[mart.name])):
            raise Refused(f"{mart.name}: its copy is not the ledger's mart ({found[0]}), so nothing was published")
    return made


def put(place: Place, marts: list[Mart], made: dict[str, Path], before: dict[str, Any], build: str, part: Path) -> None:
    """Files first, the manifest last; then what neither this manifest nor the one before names goes."""
    entries = {}
    for mart in marts:
        entry = before["marts"].get(mart.name)
        if mart.name in made:
            digest = _sha256_of(Folder(part).read(made[mart.name].name))
            entry = _entry(mart, digest, made[mart.name].stat().st_size)
            place.put(made[mart.name], entry["file"])
            if _sha256_of(place.read(entry["file"])) != digest:
                raise Refused(f"{entry['file']} was read back with other content, so nothing was published; run again")
        entries[mart.name] = entry
    now = datetime.now(UTC).isoformat(timespec="seconds")
    manifest: dict[str, Any] = {"kind": KIND, "version": 1, "build_id": build, "published_at": now, "marts": entries}
    (part / MANIFEST).write_text(json.dumps(manifest, indent=1))
    place.put(part / MANIFEST, MANIFEST)
    kept = {entry["file"] for one in (before, manifest) for entry in one["marts"].values()}
    for name in place.sizes():
        if NAMED.fullmatch(name) and name not in kept:
            place.remove(name)


def _entry(mart: Mart, digest: str, size: int) -> dict[str, Any]:
    sums = {
        column.name: mart.totals[f"sum of {column.name}"]
        for column in mart.columns
        if column.kind.startswith("DECIMAL")
    }
    columns = [{"name": name, "type": kind, "description": mart.comments.get(name, "")} for name, kind in mart.columns]
    return {
        "file": f"{mart.name}-{digest[:16]}.parquet", "rows": mart.rows, "bytes": size, "sha256": digest, "sums": sums,
        "fingerprint": mart.fingerprint, "description": mart.comments.get("", ""), "columns": columns,
    }  # fmt: skip


def _sha256_of(chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
