"""The models on Apache Spark: in an environment of its own, .venv-spark, from requirements-spark.txt, with Java 17.

Usage: spark.py install            makes the environment; exit 2 where there is no Java
       spark.py DATA DBT_WORDS...  `dbt DBT_WORDS` on two executors, from .venv-spark's own python
What landed in DATA is read in place. Tables stand in DATA/spark/warehouse, copies of the marts that are views in
DATA/spark/views, the event log (scripts/spark_events.py reads it) in DATA/spark/events. With SPARK_COMPILES set, Spark
compiles its queries to Java, as it does by itself: for data of more than a test's size.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ending
import environment
from environment import PROJECT

ENVIRONMENT, LOCK = PROJECT / ".venv-spark", PROJECT / "requirements-spark.txt"
JAVA = 17
# Two executors in processes of their own, which exchange data as machines do.
SETTINGS = """spark.driver.memory 3g
spark.executor.memory 1g
spark.eventLog.enabled true
spark.eventLog.dir file://{events}
spark.eventLog.compress false
spark.eventLog.rolling.enabled false
spark.ui.showConsoleProgress false
"""
# A test's queries are small and many: to compile each to Java would take longer than to run it.
INTERPRETED = """spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
"""


def java_complaint() -> str | None:
    """What is wrong with this machine's Java, if anything."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    if not shutil.which(java):
        return f"Spark needs Java {JAVA} or newer, and {java} was not found; install it, or let JAVA_HOME name it"
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', said)
    if not version or int(version.group(1)) < JAVA:
        return f"Spark needs Java {JAVA} or newer, and {java} says: {said.strip()}"
    return None


def install() -> int:
    """Makes .venv-spark anew where the lock is another than it was made from."""
    if complaint := java_complaint():
        print(f"ERROR: {complaint}", file=sys.stderr)
        return 2
    return environment.make(ENVIRONMENT, LOCK, sys.executable, "Spark")


def run(data: Path, words: list[str]) -> int:
    """dbt in this process, and after it the session's views as files."""
    folder = data / "spark"
    (folder / "events").mkdir(parents=True, exist_ok=True)
    settings = SETTINGS.format(events=folder / "events")
    settings += "" if os.environ.get("SPARK_COMPILES") else INTERPRETED
    (folder / "spark-defaults.conf").write_text(settings)
    os.chdir(PROJECT)
    os.environ["LEDGER_DATA"], os.environ["SPARK_CONF_DIR"] = str(data), str(folder)
    os.environ["LEDGER_COMPANY"] = ""
    os.environ["DBT_PROFILES_DIR"] = str(PROJECT)
    os.environ.setdefault("SPARK_MASTER", "local-cluster[2,1,1024]")
    sys.path.remove(str(PROJECT / "scripts"))  # dbt takes any module named dbt_* there for a plugin of its own
    from dbt.cli.main import dbtRunner  # of .venv-spark, as is pyspark

    target = ["--target", "spark", "--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    outcome = dbtRunner().invoke([*words, *target])
    if outcome.exception:
        print(f"ERROR: dbt could not start: {outcome.exception}", file=sys.stderr)
        return 1
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
    tables = session.catalog.listTables("marts") if session.catalog.databaseExists("marts") else []
    for name in [table.name for table in tables if table.tableType == "VIEW"]:  # dbt's own, of seeds, are temporary
        path = folder / "views" / name
        session.sql(f"insert overwrite directory '{path}' using parquet select * from marts.{name}")
    session.stop()
    return 0 if outcome.success else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="`install` instead of a folder makes the environment")
    parser.add_argument("words", nargs=argparse.REMAINDER, help="what dbt is to do")
    given = parser.parse_args()
    if given.words:
        return run(given.data.resolve(), given.words)
    return install() if str(given.data) == "install" else parser.error("say what dbt is to do")


if __name__ == "__main__":
    sys.exit(ending.of(main))
