"""The graph of models as it would be if some were one: how many, how deep, and whether any would read itself.

Usage: fold.py MANIFEST MAPPING. MANIFEST is dbt's manifest.json; MAPPING a CSV of columns model, into: each model named
becomes a part of `into`, which may be a model of today or a new one, or is dropped where `into` is empty. Prints how
many models, how long the longest path is, and the models of one reader. Exit 1 if the merged models would read each
other in a ring (it is named), 2 where the mapping names what is no model of today, or a model twice.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Graph = dict[str, set[str]]  # what each model reads


def models_of(manifest: dict) -> Graph:
    """Models and the models that they read; seeds and sources are left out."""
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    return {
        node["name"]: {nodes[parent]["name"] for parent in node["depends_on"]["nodes"] if parent in nodes}
        for node in nodes.values()
    }


def folded(graph: Graph, mapping: dict[str, str]) -> Graph:
    """The graph with each mapped model merged into another, or gone."""
    merged: Graph = {}
    for model, read in graph.items():
        name = mapping.get(model, model)
        merged.setdefault(name, set()).update({mapping.get(parent, parent) for parent in read} - {name, ""})
    merged.pop("", None)
    return merged


def depth_of(graph: Graph) -> int:
    """Models on the longest path; raises CycleError where there is a ring."""
    depths: dict[str, int] = {}
    for model in TopologicalSorter(graph).static_order():
        depths[model] = 1 + max((depths[parent] for parent in graph[model]), default=0)
    return max(depths.values(), default=0)


def readers_of(graph: Graph) -> dict[str, set[str]]:
    return {model: {other for other, read in graph.items() if model in read} for model in graph}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("mapping", type=Path, help="a CSV of columns model, into")
    arguments = parser.parse_args()
    graph = models_of(json.loads(arguments.manifest.read_text()))
    with arguments.mapping.open(newline="") as file:
        rows = [(row["model"], row["into"]) for row in csv.DictReader(file)]
    mapping = dict(rows)
    if unknown := sorted(mapping.keys() - graph.keys()):
        print(f"ERROR: {arguments.mapping} maps {', '.join(unknown)}, which are no models of {arguments.manifest}")
        return 2
    if doubled := [model for model, times in Counter(model for model, _ in rows).items() if times > 1]:
        print(f"ERROR: {arguments.mapping} maps {', '.join(doubled)} more than once")
        return 2
    merged = folded(graph, mapping)
    try:
        depth = depth_of(merged)
    except CycleError as error:
        print(f"ERROR: the merged models read each other: {' > '.join(reversed(error.args[1]))}")
        return 1
    print(f"{len(graph)} models become {len(merged)}; the longest path has {depth} of them ({depth_of(graph)} today)")
    for model, readers in sorted(readers_of(merged).items()):
        if len(readers) == 1:
            print(f"  one reader: {model} < {min(readers)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
