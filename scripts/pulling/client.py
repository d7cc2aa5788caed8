"""Requests to one server: its keys, its pace, its answers tried again where that may help; and what to do where not."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NameResolutionError
from urllib3.util.retry import Retry

from pulling import Failed, ServerFailed
from pulling.endpoints import Server
from terminal import plain

TRIED_AGAIN = (429, 500, 502, 503, 504)
SETTINGS = {
    "PULL_TIMEOUT": (60.0, "seconds to wait for an answer"),
    "PULL_TRIES": (5, "how often a request is made before its source is given up"),
    "PULL_BACKOFF": (1.0, "seconds before the second repetition, doubled for each more"),
    "PULL_LONGEST_WAIT": (300.0, "the most seconds that a server may ask to wait (Retry-After)"),
    "PULL_PACE": (1.0, "factor on the least time between two requests"),
}
SHOWN = 200  # characters of a server's own words
MOST_BYTES = 1 << 28  # of a page, as landing takes no longer record


class Settings(NamedTuple):
    timeout: float
    tries: int
    backoff: float
    longest_wait: float
    pace: float


class Page(NamedTuple):
    """An answer: its bytes as they came, and the same decoded."""

    body: bytes
    content: Any


class TooLong(Exception):
    """A server asks to wait for longer than anybody wants to."""


class Patience(Retry):
    """urllib3's repetitions, but for waits without end."""

    longest_wait = 300.0

    def get_retry_after(self, response):
        seconds = super().get_retry_after(response)
        if seconds and seconds > self.longest_wait:
            raise TooLong(f"{seconds:,.0f}")
        return seconds


def settings() -> Settings:
    """The settings of the environment; Failed with what is wrong with one."""
    values = []
    for name, (default, what) in SETTINGS.items():
        said = os.environ.get(name, "")
        try:
            value = type(default)(said) if said else default
            if not 0 <= value < float("inf") or (name != "PULL_BACKOFF" and name != "PULL_PACE" and not value):
                raise ValueError
        except ValueError:
            raise Failed(f"{name} is no number above 0; it is {what}, {default:g} where it is not set") from None
        values.append(value)
    return Settings(*values)  # type: ignore[arg-type]


def base_url(server: Server) -> str:
    """The server's address; blank where nothing names it."""
    said = (os.environ.get(name, "") for name in server.base_url.variables)
    return next(filter(None, said), server.base_url.default).rstrip("/")


def is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_COMMAND"))


def lacking(server: Server) -> list[str]:
    """The variables without which the server can't be asked."""
    names = [] if server.optional_keys else [name for name in server.keys if not is_set(name)]
    return names if base_url(server) else [*names, server.base_url.variables[0]]


def keys_of(server: Server) -> dict[str, str]:
    """The keys by their names, from the environment or from the commands that print them."""
    return {name: key for name in server.keys if (key := key_of(name))}


def key_of(name: str) -> str:
    key = os.environ.get(name, "")
    if not key and (command := os.environ.get(f"{name}_COMMAND")):
        try:
            done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, timeout=120, check=True, text=True)
        except subprocess.CalledProcessError as error:
            raise ServerFailed(
                f"the command in {name}_COMMAND failed with {error.returncode}; run it by hand"
            ) from None
        except (subprocess.TimeoutExpired, UnicodeDecodeError):
            raise ServerFailed(f"the command in {name}_COMMAND printed no key in two minutes; run it by hand") from None
        key = done.stdout.strip().partition("\n")[0].strip()
        if not key:
            raise ServerFailed(f"the command in {name}_COMMAND printed nothing; it should print the key alone")
    key = key.strip()
    if re.search(r"[^\x21-\x7e]", key):
        raise ServerFailed(f"{name} has blanks or letters that no key has; copy it again")
    return key


class Client:
    """A session with one server. No redirect is followed and no .netrc read, so that the key goes nowhere else."""

    def __init__(self, server: Server, how: Settings):
        self.server, self.how, self.last = server, how, float("-inf")
        self.base = base_url(server)
        self.host = urlsplit(self.base).netloc.rpartition("@")[2]
        if urlsplit(self.base).scheme not in ("http", "https") or not self.host or "@" in urlsplit(self.base).netloc:
            raise ServerFailed(
                f"{self.variable()} is no address of a server; write https://<host>, without a name or password in it"
            )
        keys = keys_of(server)
        self.keys, self.session = keys, requests.Session()
        self.session.headers["User-Agent"] = "chargeback-ledger"
        for header, form in server.headers.items():
            if keys or "{" not in form:
                self.session.headers[header] = form.format_map(keys)
        self.session.auth = _basic(*(keys[name] for name in server.basic)) if server.basic else _as_it_is
        patience = Patience(
            total=how.tries - 1,
            status_forcelist=TRIED_AGAIN,
            allowed_methods=None,  # a POST here is a question too
            backoff_factor=how.backoff,
            raise_on_status=False,
            retry_after_max=10**9,  # how long is too long says get_retry_after
        )
        Patience.longest_wait = how.longest_wait
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=patience))

    def variable(self) -> str:
        """The variable that names the server."""
        names = self.server.base_url.variables
        return next((name for name in names if os.environ.get(name)), names[0])

    def url(self, path: str) -> str:
        return self.base + path

    def ask(self, method: str, path: str, parameters: dict[str, Any]) -> Page:
        """The answer to a request. What was cut on its way or is no JSON is asked for again; Failed where that is
        no help, or nothing came.
        """
        fault = ""
        for attempt in range(self.how.tries):
            if attempt:
                time.sleep(self.how.backoff * 2 ** (attempt - 1))
            try:
                body = self._read(self._send(method, path, parameters))
                return Page(body, msgspec.json.decode(body))
            except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
                fault = "cut its answer short"
            except requests.exceptions.ConnectionError as error:
                fault = f"broke off its answer ({_reason(error)})"
            except msgspec.DecodeError:
                fault = "answered something that is not JSON, or is cut"
        raise Failed(
            f"{self.host} {fault}, {self.how.tries} times; pull again later"
            + (f", or look at {self.variable()}" if "JSON" in fault else "")
        )

    def _send(self, method: str, path: str, parameters: dict[str, Any]) -> requests.Response:
        self._keep_pace()
        asked = {"json": parameters} if method == "POST" else {"params": parameters}
        try:
            response = self.session.request(
                method,
                self.url(path),
                timeout=(min(self.how.timeout, 15), self.how.timeout),
                allow_redirects=False,
                stream=True,
                **asked,  # type: ignore[arg-type]
            )
        except TooLong as error:
            raise ServerFailed(f"{self.host} asks to wait {error} seconds (Retry-After); pull again then") from None
        except requests.exceptions.SSLError:
            raise ServerFailed(
                f"{self.host} shows a certificate that is not trusted; REQUESTS_CA_BUNDLE names a file of your own"
            ) from None
        except requests.exceptions.ProxyError:
            raise ServerFailed(f"the proxy to {self.host} does not answer; look at HTTPS_PROXY and NO_PROXY") from None
        except (requests.exceptions.Timeout, requests.exceptions.RetryError) as error:
            raise ServerFailed(self._no_answer(error)) from None
        except requests.exceptions.ConnectionError as error:
            raise ServerFailed(self._no_answer(error)) from None
        except (requests.exceptions.RequestException, HTTPError, UnicodeError):
            raise ServerFailed(f"{self.variable()} is no address that can be asked; write https://<host>") from None
        if response.status_code != 200:
            raise (ServerFailed if response.status_code == 401 else Failed)(self._refused(response))
        return response

    def _read(self, response: requests.Response) -> bytes:
        """An answer's body, but none without an end."""
        parts, size = [], 0
        for part in response.iter_content(1 << 20):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise Failed(
                    f"{self.host} answers with more than {MOST_BYTES >> 20} MB in one page; none of it is kept"
                )
        return b"".join(parts)

    def _no_answer(self, error: Exception) -> str:
        times = f"tried {self.how.tries} times" if self.how.tries > 1 else "tried once"
        if _is_within(error, NameResolutionError):
            return f"{self.host} is not known to the network ({times}); is it up, and is {self.variable()} right?"
        if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
            return (
                f"{self.host} gave no answer within {self.how.timeout:g} seconds ({times}); pull again later, or set "
                "PULL_TIMEOUT to more seconds"
            )
        return f"{self.host} can't be reached ({_reason(error)}, {times}); is it up, and is {self.variable()} right?"

    def _refused(self, response: requests.Response) -> str:
        code = response.status_code
        if code in (401, 403):
            what = " and ".join(f"{name} has to be {said}" for name, said in self.server.keys.items())
            return f"{self.host} refuses the key ({code}); {what}"
        if code in TRIED_AGAIN:
            why = "there were too many requests" if code == 429 else "it has a fault of its own"
            return f"{self.host} answered {code}, {self.how.tries} times ({why}); pull again later"
        if 300 <= code < 400:
            return (
                f"{self.host} sends the request elsewhere ({code}), where the key does not go; "
                f"name the right server in {self.variable()}"
            )
        if code == 404:
            return (
                f"{self.host} has no {urlsplit(response.url).path} (404); is {self.variable()} right, and is the "
                "server new enough? docs/pull.md says from which version on"
            )
        return f"{self.host} does not take the request ({code}{self._said(response)}); docs/pull.md says what is asked"

    def _said(self, response: requests.Response) -> str:
        """A server's own words on its refusal, without anything of a key."""
        try:
            text = response.content[: 1 << 16].decode("utf-8", "replace")
        except requests.exceptions.RequestException:
            return ""
        try:
            said = json.loads(text)
            for name in ("error", "message", "detail"):
                said = said.get(name, said) if isinstance(said, dict) else said
            text = said if isinstance(said, str) else json.dumps(said)
        except ValueError:
            pass
        for key in self.keys.values():
            text = text.replace(key, "...")
        text = re.sub(r"\b(sk|pk|lsv2|key)[-_][\w*.-]{6,}", "...", text)
        return f": {plain(' '.join(text.split()))[:SHOWN]}" if text.strip() else ""

    def _keep_pace(self) -> None:
        wait = self.last + self.server.seconds * self.how.pace - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self.last = time.monotonic()


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _basic(name: str, password: str) -> Callable:
    return requests.auth.HTTPBasicAuth(name, password)


def _is_within(error: BaseException | None, kind: type) -> bool:
    """Whether an error, or one that it was made of, is of a kind."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, kind):
            return True
        inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    return False


def _reason(error: BaseException) -> str:
    """What the system says of a connection, without addresses of objects."""
    for words in ("Connection refused", "Connection reset", "Remote end closed", "Read timed out", "No route to host",
                  "Network is unreachable", "Connection aborted"):  # fmt: skip
        if words.lower() in str(error).lower():
            return words.lower()
    return "no connection"
