"""Environments of their own beside .venv, for tools that can't share its versions: each from a lock."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import state

PROJECT = Path(__file__).resolve().parent.parent


def is_made(folder: Path, lock: Path) -> bool:
    """Whether the environment is there, and made from this lock."""
    stamp = folder / ".lock"
    return stamp.exists() and stamp.read_text() == digest(lock)


def make(folder: Path, lock: Path, python: str, tool: str) -> int:
    """Makes it anew where the lock is another than it was made from; exit code."""
    if is_made(folder, lock):
        return 0
    print(f"installing {tool} into {folder.name} (half a minute, once)", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    uv, own = str(Path(sys.executable).with_name("uv")), str(folder / "bin" / "python")
    for command in (
        [python, "-m", "venv", "--without-pip", str(folder)],
        [uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", own, str(lock)],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"ERROR: {tool} could not be installed:\n{done.stderr.strip()[-2000:]}", file=sys.stderr)
            print(f"It comes from the package index, by {lock.name}; run again when that answers.", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)  # half an environment is none
            return 1
    state.write(folder / ".lock", digest(lock))
    return 0


def digest(lock: Path) -> str:
    """What tells locks apart."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()
