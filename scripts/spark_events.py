"""What Spark's event log proves: executors, tasks and bytes that they exchanged, partitions that scans left alone."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

SQL = "org.apache.spark.sql.execution.ui.SparkListener"
# A scan's counters, as Spark's UI names them.
READ = {"number of partitions read": "partitions", "number of files read": "files"}


class Proof:
    """The figures of one application's log."""

    def __init__(self, log: Path):
        self.executors: set[str] = set()
        self.tasks: Counter[str] = Counter()
        self.shuffled = {"local": 0, "remote": 0, "written": 0}
        self.spent = {"cpu_seconds": 0.0, "bytes_read": 0, "bytes_written": 0}  # by executors; of files
        self._counted: dict[int, int] = {}
        self._scans: dict[str, dict[tuple, dict[str, int]]] = defaultdict(dict)
        with log.open() as lines:
            for line in lines:
                self._take(json.loads(line))

    def scans(self, table: str) -> list[dict]:
        """Of each scan of a table: the filters on its partitions, and how many partitions and files it read."""
        return [
            {"filters": filters, **{name: self._counted.get(number, 0) for name, number in counters.items()}}
            for (_, filters), counters in self._scans[table].items()
        ]

    def _take(self, event: dict) -> None:
        kind = event["Event"]
        if kind == "SparkListenerExecutorAdded":
            self.executors.add(event["Executor ID"])
        elif kind == "SparkListenerTaskEnd":
            self.tasks[event["Task Info"]["Executor ID"]] += 1
            metrics = event.get("Task Metrics") or {}
            self.spent["cpu_seconds"] += metrics.get("Executor CPU Time", 0) / 1e9
            self.spent["bytes_read"] += metrics.get("Input Metrics", {}).get("Bytes Read", 0)
            self.spent["bytes_written"] += metrics.get("Output Metrics", {}).get("Bytes Written", 0)
            read, written = metrics.get("Shuffle Read Metrics", {}), metrics.get("Shuffle Write Metrics", {})
            self.shuffled["local"] += read.get("Local Bytes Read", 0)
            self.shuffled["remote"] += read.get("Remote Bytes Read", 0)
            self.shuffled["written"] += written.get("Shuffle Bytes Written", 0)
        elif kind == f"{SQL}DriverAccumUpdates":
            self._counted.update(event["accumUpdates"])
        elif kind in (f"{SQL}SQLExecutionStart", f"{SQL}SQLAdaptiveExecutionUpdate"):
            self._look(event["sparkPlanInfo"])

    def _look(self, node: dict) -> None:
        if scan := re.match(r"Scan parquet (?:\w+\.)?(\w+\.\w+)", node["nodeName"]):
            counters = {READ[one["name"]]: one["accumulatorId"] for one in node["metrics"] if one["name"] in READ}
            filters = node["metadata"].get("PartitionFilters", "[]")
            self._scans[scan[1]][tuple(counters.values()), filters] = counters
        for child in node["children"]:
            self._look(child)
