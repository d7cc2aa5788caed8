"""Servers that speak other stores' protocols, for tests alone: S3 and Google's in .venv-peers, Azure's by npm.

Usage: peers.py install    makes .venv-peers from requirements-peers.txt and, where npm is there, Azurite in it
Exit 0 also where there is no npm: the tests of Azure are skipped then.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import ending
import environment
import state
from environment import PROJECT
from terminal import print

ENVIRONMENT, LOCK = PROJECT / ".venv-peers", PROJECT / "requirements-peers.txt"
NODE, PACKAGES = ENVIRONMENT / "node_modules", PROJECT / "tests" / "peers"
NODE_LOCK = PACKAGES / "package-lock.json"
SERVERS = "the servers of S3 and Google Cloud Storage"


def install() -> int:
    """Makes both environments anew where their locks are others than they were made from."""
    code = environment.make(ENVIRONMENT, LOCK, sys.executable, SERVERS)
    return install_azurite() or code


def install_azurite() -> int:
    if environment.is_made(NODE, NODE_LOCK):
        return 0
    npm = shutil.which("npm")
    if not (npm and shutil.which("node")):
        print("skipped: the tests of Azure need Azurite, which needs node and npm, and none was found")
        return 0
    print(f"installing Azurite into {NODE.relative_to(PROJECT)} (a minute, once)", flush=True)
    NODE.parent.mkdir(exist_ok=True)
    for name in ("package.json", NODE_LOCK.name):
        shutil.copyfile(PACKAGES / name, NODE.parent / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=NODE.parent, capture_output=True, text=True)
    if done.returncode:
        print(f"ERROR: Azurite could not be installed:\n{done.stderr.strip()[-2000:]}", file=sys.stderr)
        print("It comes from npm's registry, by package-lock.json; run again when that answers.", file=sys.stderr)
        shutil.rmtree(NODE, ignore_errors=True)  # half of it is none
        return 1
    state.write(NODE / ".lock", environment.digest(NODE_LOCK))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["install"])
    parser.parse_args()
    return install()


if __name__ == "__main__":
    sys.exit(ending.of(main))
