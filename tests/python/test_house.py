"""What a newcomer relies on: documents that name what there is, rooms of a size to read."""

import json
import os
import re
import runpy
import subprocess
import sys

import pytest
import yaml
from conftest import PROJECT

import company

sys.path.insert(0, str(PROJECT / "scripts" / "dev"))

import fold

pytestmark = pytest.mark.xdist_group("golden")
TRACKED = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True).stdout.split()
DOCS = PROJECT / "docs"


def nodes(golden, kind: str) -> list[dict]:
    manifest = json.loads((golden.data / "target" / "manifest.json").read_text())
    return [node for node in manifest["nodes"].values() if node["resource_type"] == kind]


def test_every_model_and_mart_column_is_described(golden):
    for model in nodes(golden, "model"):
        assert model["description"].startswith("One row per"), model["name"]
        if model["schema"] == "marts":
            assert model["config"]["contract"]["enforced"]
            assert model["columns"], model["name"]
            assert [name for name, column in model["columns"].items() if not column["description"]] == [], model["name"]


def test_every_model_that_is_described_exists(golden):
    texts = [path.read_text() for path in (PROJECT / "models").rglob("_*.yml")]
    described = [model["name"] for text in texts for model in yaml.safe_load(text).get("models", [])]
    disabled = json.loads((golden.data / "target" / "manifest.json").read_text())["disabled"].values()
    optional = [node["name"] for (node, *_) in disabled if node["resource_type"] == "model"]
    assert sorted(described) == sorted([model["name"] for model in nodes(golden, "model")] + optional)


def test_grain_is_said_once_in_yaml(golden):
    for model in nodes(golden, "model"):
        assert not model["raw_code"].lower().startswith("-- one row per"), model["name"]
        if model["schema"] != "staging":
            assert model["description"].startswith("One row per"), model["name"]


def test_layers_flow_one_way(golden):
    layers = {model["unique_id"]: ("staging", "intermediate", "marts").index(model["schema"])
              for model in nodes(golden, "model")}  # fmt: skip
    for model in nodes(golden, "model"):
        for parent in model["depends_on"]["nodes"]:
            assert layers.get(parent, 0) <= layers[model["unique_id"]], (model["name"], parent)


def test_models_are_few_and_each_has_its_reason(golden):
    """Whoever adds a model raises the count, and says in the message of the commit why no reader could hold it."""
    graph = fold.models_of(json.loads((golden.data / "target" / "manifest.json").read_text()))
    assert len(graph) <= 186
    assert fold.depth_of(graph) <= 56
    readers = fold.readers_of(graph)
    views = {
        model["name"]: model["raw_code"]
        for model in nodes(golden, "model")
        if model["config"]["materialized"] == "view" and model["schema"] != "staging"
    }
    # Each reader of a view computes it again.
    splits = ("allocate(", "part_with_residue(", "first_rows(", "row_number(")
    assert [name for name, text in views.items() if any(split in text for split in splits)] == []
    marts = {model["name"] for model in nodes(golden, "model") if model["schema"] == "marts"}
    single = {name for name in views.keys() - marts if len(readers[name]) <= 1}
    assert single <= {"int_call_origins", "int_ledger_postings"}


def test_docs_name_every_mart_and_every_make_target(golden):
    listed = re.findall(r"^\| `(\w+)` \| ", (DOCS / "analyst.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(model["name"] for model in nodes(golden, "model") if model["schema"] == "marts")
    targets = re.findall(r"^([a-z-]+):.*##", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    commands = (DOCS / "operator.md").read_text()
    assert [target for target in targets if target != "help" and f"| `make {target}" not in commands] == []


def test_every_direct_dependency_has_its_why():
    names = [
        re.split("[=<> ]", line)[0]
        for line in (PROJECT / "requirements.in").read_text().splitlines()
        if line[:1] != "#"
    ]
    whys = (DOCS / "dependencies.md").read_text()
    assert [name for name in names if name and name not in whys] == []


# invariance.py reads what it runs anew with before it reads words of a person.
PROGRAMS = [name for name in TRACKED if re.fullmatch(r"scripts/(dev/|report/)?\w+\.py", name)
            and "__main__" in (PROJECT / name).read_text() and name != "scripts/dev/invariance.py"]  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_answer_help_and_name_a_wrong_call(name, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str((PROJECT / name).parent))
    for word, code in (("--help", 0), ("--nonsense", 2)):
        monkeypatch.setattr(sys, "argv", [name, word])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(PROJECT / name), run_name="__main__")
        assert end.value.code == code
        assert "usage: " in "".join(capsys.readouterr())


def test_hooks_of_a_commit_download_nothing():
    repos = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = [hook for repo in repos for hook in repo["hooks"]]
    assert {repo["repo"] for repo in repos} == {"local"}
    assert {hook["language"] for hook in hooks} <= {"system", "pygrep"}
    programs = [PROJECT / hook["entry"].split()[0] for hook in hooks if hook["language"] == "system"]
    assert [str(program) for program in programs if not program.exists()] == []


def test_every_variable_is_read():
    text = "".join((PROJECT / name).read_text() for name in TRACKED if name.endswith((".sql", ".py")))
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    assert [name for name in variables if not re.search(rf"['\"]{name}['\"]", text)] == []


def test_seed_columns_are_the_same_in_the_template_and_in_dbt():
    declared = yaml.safe_load((PROJECT / "models/staging/catalog/_catalog__seeds.yml").read_text())["seeds"]
    types = {seed["name"]: list(seed["config"]["column_types"]) for seed in declared}
    assert {name: columns for name, (columns, _, _) in company.SEEDS.items()} == {
        name: types[name] for name in company.SEEDS
    }


def test_no_addresses_in_the_lock_and_no_machine_paths():
    for name in TRACKED:
        text = (PROJECT / name).read_text(errors="replace")
        if name.startswith(("requirements", "overrides")):
            assert "http" not in text.split("# via")[0]
        assert not re.search(r"(?<![\w.$}])/(root|home|work)/\w", text), name


def test_workflows_run_fixed_commits_with_least_rights():
    """A tag can be moved; a commit, with the tag that it had beside it, can't."""
    for path in (PROJECT / ".github" / "workflows").glob("*.yml"):
        used = re.findall(r"uses: *(.*)", path.read_text())
        assert used
        assert [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_starting_set_completes_and_examples_fit(tmp_path, capsys):
    assert company.start(tmp_path / "ours") == 0
    for name, (columns, _, _) in company.SEEDS.items():
        path = tmp_path / "ours" / f"{name}.csv"
        assert company.completed(path, name) == (",".join(columns) + "\n", [])
        path.write_text(path.read_text().replace("\n# ", "\n"))
        assert company.completed(path, name)[1] == []
    assert company.start(tmp_path / "ours") == 0
    assert "kept" in capsys.readouterr().out


def test_command_line_says_how_it_is_used():
    process = subprocess.run(
        [sys.executable, "scripts/build.py", "--help"], cwd=PROJECT, capture_output=True, text=True
    )
    assert "INBOX" in process.stdout.upper()


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process has no groups")
def test_what_is_built_once_for_a_group_of_tests_is_built_once(request):
    """xdist names the group in a test's id, or knows of none and builds for each of its processes."""
    assert request.node.nodeid.endswith("@golden")
