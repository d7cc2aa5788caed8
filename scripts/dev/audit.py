"""Ask an advisory database about every pinned package of the locks (`make audit`).

Uv asks the one that it knows, or the one at AUDIT_SERVICE, by OSV's interface. Exit 0 when nothing is known against any
of them; 1 when something is, by name; 3 when no database could be reached, and so nothing was audited; 2 when a lock
can't be read, or the call is wrong.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from locks import LOCKS, PROJECT, Locked, read

REACHED_NONE = 3


def locked_for_uv(packages: list[Locked]) -> str:
    """A lock as uv writes it, which names no index: uv audits only its own."""
    source = 'source = { registry = "index" }'
    needs = ",\n".join(f'  {{ name = "{one.name}", version = "{one.version}", {source} }}' for one in packages)
    head = f'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "{PINS}"\nversion = "0"\n'
    blocks = [f'[[package]]\nname = "{one.name}"\nversion = "{one.version}"\n{source}\n' for one in packages]
    return f'{head}source = {{ virtual = "." }}\ndependencies = [\n{needs}\n]\n\n' + "\n".join(blocks)


PINS = "all-that-the-locks-pin"
PROJECT_FILE = f'[project]\nname = "{PINS}"\nversion = "0"\nrequires-python = ">=3.11"\n'


def asked(packages: list[Locked]) -> subprocess.CompletedProcess:
    """Uv's answer on these packages."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(PROJECT_FILE)
        Path(folder, "uv.lock").write_text(locked_for_uv(packages))
        service = os.environ.get("AUDIT_SERVICE")
        command = [str(Path(sys.executable).with_name("uv")), "audit", "--frozen", "--no-config", "--no-progress"]
        command += ["--output-format", "json", "--preview-features", "audit-command,json-output"]
        command += ["--service-url", service] if service else []
        return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    try:
        pinned = {lock: read(PROJECT / lock) for lock in LOCKS}
    except (OSError, ValueError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    by_version = {(one.name, one.version): one for packages in pinned.values() for one in packages}
    answer = asked([by_version[key] for key in sorted(by_version)])
    try:
        said = json.loads(answer.stdout)
        count, known, retired = said["summary"]["audited_packages"], said["vulnerabilities"], said["adverse_statuses"]
    except (ValueError, KeyError, TypeError):
        address = re.search(r"https?://[^\s)]+", answer.stderr)
        where = address[0] if address else "the address that uv asks"
        print(f"no advisory database could be reached at {where}; nothing was audited. Uv says:", file=sys.stderr)
        print("\n".join(f"  {line}" for line in answer.stderr.strip().splitlines()[-6:]), file=sys.stderr)
        return REACHED_NONE
    if count != len(by_version):
        print(f"ERROR: {count} of {len(by_version)} packages were audited", file=sys.stderr)
        return REACHED_NONE
    for one in known:
        name, version = one["dependency"]["name"], one["dependency"]["version"]
        locks = ", ".join(
            lock for lock, packages in pinned.items() if (name, version) in {item[:2] for item in packages}
        )
        mended = f"mended in {', '.join(one['fix_versions'])}" if one["fix_versions"] else "no version mends it"
        print(f"{name} {version} ({locks}): {one['display_id']} {one['summary'] or ''}; {mended}")
    for one in retired:
        print(f"retired or withdrawn: {json.dumps(one)}")
    print(
        f"audited {count} packages of {len(LOCKS)} locks: {len(known)} advisories, {len(retired)} retired or withdrawn"
    )
    return 1 if known or retired else 0


if __name__ == "__main__":
    sys.exit(main())
