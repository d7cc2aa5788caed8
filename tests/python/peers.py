"""Servers of other stores' protocols on ports of this machine, and a proxy that does to S3 what networks do."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from conftest import PROJECT

PYTHON = PROJECT / ".venv-peers" / "bin" / "python"
GOOGLE = PROJECT / ".venv-peers" / "bin" / "gcp-storage-emulator"
AZURITE = PROJECT / ".venv-peers" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
# Azurite's own, which its documentation states for everybody.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
KEYS = 3100
HAS_S3, HAS_GOOGLE = PYTHON.exists(), GOOGLE.exists()
HAS_AZURE = AZURITE.exists() and shutil.which("node") is not None


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running(command: list[str], port: int):
    """A server, from when it answers until the end of the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def s3(port: int):
    return running([str(PYTHON), str(PROJECT / "tests" / "peers" / "s3.py"), str(port), str(KEYS)], port)


def google(port: int):
    return running([str(GOOGLE), "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"], port)


def azure(port: int):
    words = ["--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent"]
    words += ["--skipApiVersionCheck", "--disableTelemetry"]
    return running(["node", str(AZURITE), *words], port)


def request(port: int, method: str, path: str, body: bytes = b"") -> int:
    """Any request to a server, with a signature that nobody checks; its status."""
    line = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request(method, path, body, {"Authorization": "AWS4-HMAC-SHA256 Credential=testing/20261101/us-east-1/s3"})
        answer = line.getresponse()
        answer.read()
        return answer.status
    finally:
        line.close()


Fault = Callable[["Asked", int, dict, bytes], tuple[int, dict, bytes]]


class Asked:
    """A request that the proxy passed on: its method, path and query."""

    def __init__(self, method: str, target: str):
        self.method = method
        path, _, self.query = target.partition("?")
        self.path = unquote(path)

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and "list-type" in self.query

    @property
    def is_download(self) -> bool:
        return self.method == "GET" and not self.query


class Proxy:
    """Passes requests on to a server, counts them, and lets `fault` change what comes back.

    `fault(asked, status, headers, body)` gives the same three; a body shorter than its Content-Length is sent as it is,
    and the connection breaks off.
    """

    def __init__(self, port: int):
        self.asked: list[Asked] = []
        self.fault: Fault | None = None
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                line = HTTPConnection("127.0.0.1", port, timeout=30)
                line.request(self.command, self.path, body, dict(self.headers))
                answer = line.getresponse()
                status, headers, body = answer.status, dict(answer.getheaders()), answer.read()
                line.close()
                asked = Asked(self.command, self.path)
                proxy.asked.append(asked)
                if proxy.fault:
                    status, headers, body = proxy.fault(asked, status, headers, body)
                self.send_response_only(status)
                headers = {name: value for name, value in headers.items() if name.lower() != "transfer-encoding"}
                if "Content-Length" not in headers:
                    headers["Content-Length"] = str(len(body))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
                if self.command != "HEAD" and len(body) < int(headers["Content-Length"]):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def downloads(self) -> list[str]:
        return [one.path for one in self.asked if one.is_download]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def refusal(status: int, code: str) -> tuple[int, dict, bytes]:
    """An answer of S3 that is an error."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message><RequestId>1</RequestId></Error>"
    return status, {"Content-Type": "application/xml"}, body.encode()


def environment(patch, **variables: str) -> None:
    """The clouds' own variables, and no others of theirs."""
    for name in [*os.environ]:
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "STORAGE_")):
            patch.delenv(name)
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1", **files}
    for name, value in {**nothing, **variables}.items():
        patch.setenv(name, value)


def written(folder: Path) -> dict[str, bytes]:
    """The files below a folder, by their names."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
