"""A software bill of materials per lock, and the list of licences (`make sbom`).

Writes FOLDER/<lock>.cdx.json (CycloneDX 1.6) for each lock, and docs/licences.md: the same bytes for the same locks and
environments. Licences are what the installed packages' own metadata say; a package that is not installed here keeps the
line of the list, if that is of the same versions, else its licence is `unknown`.
"""

import argparse
import json
import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from locks import LOCKS, PROJECT, Locked, read

LIST = PROJECT / "docs" / "licences.md"
UNKNOWN = "unknown"
HEAD = """# Licences

Every package that the locks pin, and its licence as its own metadata state it; several that the metadata don't join are
parted by semicolons. `make sbom` writes this list from the environments that are installed, beside a bill of materials
(CycloneDX) of each lock with all hashes. The licence of several versions is that of the first. It is unknown for
packages that the lock pins for platforms on which this project does not run.

| package | versions | licence | pinned by |
| --- | --- | --- | --- |
"""


def plain(name: str) -> str:
    """A package's name as locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def stated(package: Distribution, name: str) -> str:
    """A line of a package's metadata; empty where it has none of this name."""
    return (package.metadata.get_all(name) or [""])[0]


def licence(package: Distribution) -> str:
    """As its metadata say it: an SPDX expression, else a short text or the classifiers, whichever says more; else the
    head of the licence that it ships.
    """
    if expression := stated(package, "License-Expression"):
        return expression
    classifiers = package.metadata.get_all("Classifier", [])
    classified = [text.split(" :: ")[-1] for text in classifiers if text.startswith("License :: ")]
    classified = [text for text in classified if text != "OSI Approved"]
    text = stated(package, "License").split(" :: ")[-1].strip()
    if re.fullmatch(r"(?!Copyright)[^\n|]{1,60}", text) and len(classified) < 2:
        return text
    return "; ".join(classified) or shipped(package) or UNKNOWN


def shipped(package: Distribution) -> str:
    """The name of the licence whose text lies beside the metadata."""
    for name in package.metadata.get_all("License-File", []):
        text = package.read_text(f"licenses/{name}") or package.read_text(name) or ""
        if re.fullmatch(r"[^|]{1,60} Licen[cs]e[^|]{0,20}", title := text.split("\n")[0].strip()):
            return title
        if "Permission is hereby granted, free of charge, to any person" in text:
            return "MIT License"
    return ""


def installed(environment: Path) -> dict[tuple[str, str], str]:
    """Licences by (name, version) of what an environment holds."""
    folders = [str(folder) for folder in environment.glob("lib/python*/site-packages")]
    found = distributions(path=folders) if folders else ()
    return {(plain(package.metadata["Name"]), package.version): licence(package) for package in found}


def listed(text: str) -> dict[str, tuple[tuple[str, ...], str]]:
    """(versions, licence) by name, of a list that was written before."""
    rows = re.findall(r"^\| ([\w.-]+) \| (\d[^|]*) \| (.+) \| requirements[^|]* \|$", text, re.MULTILINE)
    return {name: (tuple(versions.split(", ")), licence) for name, versions, licence in rows}


def licences(pinned: dict[str, list[Locked]], known: dict[tuple[str, str], str], before: dict) -> dict[str, str]:
    """Per name; where several versions are pinned, that of the first that is installed."""
    versions = versions_of(pinned)
    found = {}
    for name, several in versions.items():
        kept = before.get(name, ((), UNKNOWN))
        here = [known[name, version] for version in several if (name, version) in known]
        if (name, several[0]) not in known and kept[0] == several and kept[1] != UNKNOWN:
            found[name] = kept[1]
        else:
            found[name] = here[0] if here else UNKNOWN
    return found


def versions_of(pinned: dict[str, list[Locked]]) -> dict[str, tuple[str, ...]]:
    versions: dict[str, dict] = {}
    for packages in pinned.values():
        for package in packages:
            versions.setdefault(package.name, {})[package.version] = None
    return {name: tuple(versions[name]) for name in sorted(versions)}


def table(pinned: dict[str, list[Locked]], said: dict[str, str]) -> str:
    """The list as a page."""
    lines = []
    for name, versions in versions_of(pinned).items():
        locks = [lock for lock, packages in pinned.items() if any(package.name == name for package in packages)]
        lines.append(f"| {name} | {', '.join(versions)} | {said[name]} | {', '.join(locks)} |\n")
    return HEAD + "".join(lines)


def bill(lock: str, packages: list[Locked], said: dict[str, str], expressions: set[str]) -> dict:
    """CycloneDX of one lock; without a moment of its making, so that the same lock gives the same bytes."""
    refs: dict[str, list[str]] = {}
    for package in packages:
        refs.setdefault(package.name, []).append(purl(package))
    needs: dict[str, set[str]] = {ref: set() for several in refs.values() for ref in several}
    project = "ledger"
    needs[project] = set()
    for package in packages:
        # Asked for by the `.in` file alone, or by packages of the lock.
        for above in [ref for name in package.asked_by for ref in refs.get(plain(name), [])] or [project]:
            needs[above].add(purl(package))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, repr((lock, packages, sorted(said.items()))))}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": project, "name": f"ledger ({lock})"}},
        "components": [component(package, said[package.name], expressions) for package in packages],
        "dependencies": [{"ref": ref, "dependsOn": sorted(below)} for ref, below in sorted(needs.items())],
    }


def purl(package: Locked) -> str:
    return f"pkg:pypi/{package.name}@{package.version.replace('+', '%2B')}"


def component(package: Locked, licence: str, expressions: set[str]) -> dict:
    """The hashes are those of all files of the version, of which an installation takes one."""
    stated = {"expression": licence} if licence in expressions else {"license": {"name": licence}}
    marker = [{"name": "python:marker", "value": package.marker}] if package.marker else []
    return {
        "type": "library",
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "purl": purl(package),
        "licenses": [stated],
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.hashes],
    } | ({"properties": marker} if marker else {})


def spdx(environments: list[Path]) -> set[str]:
    """Texts that packages state as SPDX expressions."""
    folders = [str(folder) for environment in environments for folder in environment.glob("lib/python*/site-packages")]
    texts = (stated(package, "License-Expression") for package in distributions(path=folders))
    return {text for text in texts if text}


def made(project: Path, before: str) -> tuple[str, dict[str, dict]]:
    """The page of licences, and per lock its bill of materials."""
    pinned = {lock: read(project / lock) for lock in LOCKS}
    environments = [project / folder for folder in LOCKS.values()]
    known = {key: text for environment in environments[::-1] for key, text in installed(environment).items()}
    said = licences(pinned, known, listed(before))
    expressions = spdx(environments)
    return table(pinned, said), {lock: bill(lock, pinned[lock], said, expressions) for lock in LOCKS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    page, bills = made(PROJECT, LIST.read_text() if LIST.exists() else "")
    LIST.write_text(page)
    for lock, content in bills.items():
        path = folder / f"{Path(lock).stem}.cdx.json"
        path.write_text(json.dumps(content, indent=1) + "\n")
        print(f"wrote {path}: {len(content['components'])} packages")
    unknown = sorted(name for name, (_, text) in listed(page).items() if text == UNKNOWN)
    print(f"wrote {LIST.relative_to(PROJECT)}" + (f"; licence unknown: {', '.join(unknown)}" if unknown else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
