"""Environments of their own beside .venv, for tools that can't share its versions: each from a lock."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
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
    by_uv = [uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", own, str(lock)]
    # Not every index that pip reaches, by its own settings, can uv.
    by_pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    errors = []
    for commands in (
        ([python, "-m", "venv", "--without-pip", str(folder)], by_uv),
        ([python, "-m", "venv", str(folder)], [*by_pip, "-r", str(lock)]),
    ):
        if not (error := _first_error(commands)):
            state.write(folder / ".lock", digest(lock))
            return 0
        errors.append(error)
        shutil.rmtree(folder, ignore_errors=True)  # half an environment is none
    print(f"ERROR: {tool} could not be installed:\n" + "\n".join(errors), file=sys.stderr)
    print(f"It comes from the package index, by {lock.name}; run again when that answers.", file=sys.stderr)
    return 1


def _first_error(commands: Iterable[list[str]]) -> str:
    """What the first command that fails says; empty where all end well."""
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return done.stderr.strip()[-2000:] or f"exit {done.returncode}"
    return ""


def digest(lock: Path) -> str:
    """What tells locks apart."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()
