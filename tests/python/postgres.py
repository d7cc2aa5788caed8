"""A PostgreSQL server of a test module's own: in a temporary folder, on a socket, gone afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adbc_driver_postgresql import dbapi

ADMIN, PASSWORD = "boss", "s3cret:of mine"  # the administrator needs none
ACCESS = f"local all {ADMIN} trust\nlocal all all scram-sha-256\n"


def binaries() -> Path | None:
    """The folder of initdb and postgres: on the path, or where Debian has them."""
    found = [Path(path) for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return found[-1].resolve().parent if found else None


class Server:
    def __init__(self, folder: Path):
        self.folder = folder

    def address(self, user: str = ADMIN, database: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def connect(self, user: str = ADMIN, is_autocommit: bool = True):
        return dbapi.connect(self.address(user), autocommit=is_autocommit)

    def rows(self, query: str) -> list[tuple]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def run(self, *statements: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@contextmanager
def serving() -> Iterator[Server]:
    """PostgreSQL refuses to run as root, so root runs it as the user postgres or nobody."""
    programs = binaries()
    assert programs
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # the name of a socket must be short
    data, options = folder / "data", {}
    if os.geteuid() == 0:
        user = next(one for one in pwd.getpwall() if one.pw_name in ("postgres", "nobody"))
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        words = [
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            f"--username={ADMIN}",
            f"--pgdata={data}",
        ]
        subprocess.run([programs / "initdb", *words], check=True, capture_output=True, cwd=folder, **options)
        (data / "pg_hba.conf").write_text(ACCESS)
        settings = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off", "autovacuum": "off"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = (folder / "log").open("w")
        server = subprocess.Popen([programs / "postgres", "-D", data, *words], stderr=log, cwd=folder, **options)
        try:
            yield _awaited(Server(folder), server)
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()
            log.close()
    finally:
        shutil.rmtree(folder)


def _awaited(server: Server, process: subprocess.Popen) -> Server:
    for _ in range(100):
        try:
            server.rows("select 1")
            return server
        except dbapi.Error:
            assert process.poll() is None, (server.folder / "log").read_text()
            time.sleep(0.1)
    raise AssertionError((server.folder / "log").read_text())
