"""What the lock files pin: packages with versions, hashes, and which package asked for each."""

import re
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
# Each lock, and the environment that is made from it.
LOCKS = {
    "requirements.txt": ".venv",
    "requirements-focus.txt": ".venv-focus",
    "requirements-spark.txt": ".venv-spark",
    "requirements-peers.txt": ".venv-peers",
}


class Locked(NamedTuple):
    name: str
    version: str
    marker: str  # where it is installed; empty: everywhere
    hashes: tuple[str, ...]  # sha256 of its files, of which one is installed
    asked_by: tuple[str, ...]  # names of packages; none where the `.in` file itself asks


def read(lock: Path) -> list[Locked]:
    """Every pinned package of a lock, in its order; one with several versions (for several Pythons) once for each."""
    packages = []
    for block in re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]:
        pin = block.split("\\\n")[0].splitlines()[0]
        found = re.fullmatch(r"([\w.-]+)(?:\[[\w,.-]+\])?==([^ ;]+)(?: *; *(.*?))? *", pin)
        if not found:
            raise ValueError(f"{lock.name}: '{pin}' is no pinned package; make it anew with make lock")
        via = block.split("# via", 1)[1].replace("#", "") if "# via" in block else ""
        asked_by = [line.strip() for line in via.splitlines() if line.strip() and not line.strip().startswith("-")]
        packages.append(
            Locked(
                found[1].lower().replace("_", "-"),
                found[2],
                found[3] or "",
                tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)),
                tuple(asked_by),
            )
        )
    return packages
