"""Where marts go: the address that a person gives. A password in it is used, and never shown."""

import re
from typing import Any, NamedTuple
from urllib.parse import unquote

from publishing import Refused
from publishing.dialects import BY_SCHEME, POSTGRESQL, Dialect

SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+]*):(?=//)")
FOLDERS = ("s3", "gs", "gcs", "az", "abfs", "abfss", "file")
DELTA = "delta:"
# No part of an address holds the marks that part it: they are written as %40, %2F and so on.
PARTS = re.compile(
    r"[a-z0-9+]+://(?:(?P<user>[^:@/?#\s]*)(?::(?P<password>[^@/?#\s]*))?@)?(?P<host>[^@/?#\s]*)(?:/(?P<path>[^@?#\s]*))?"
    r"(?:\?(?P<options>[^#\s]*))?"
)
# Options of libpq, where the address has none: it answers or gives up, also where a network goes silent.
PATIENCE = {
    "fallback_application_name": "chargeback-ledger",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "tcp_user_timeout": "120000",
}


class Address(NamedTuple):
    dialect: Dialect | None  # None of a folder
    given: str
    shown: str
    secrets: tuple[str, ...] = ()
    parts: dict[str, str] = {}  # noqa: RUF012  nobody changes it
    is_delta: bool = False  # a folder of Delta tables

    def redacted(self, words: str) -> str:
        for secret in self.secrets:
            words = words.replace(secret, "***")
        return words

    def for_driver(self) -> dict[str, Any]:
        """What an ADBC driver takes."""
        assert self.dialect is not None
        if self.dialect.options:
            return {"db_kwargs": {option: self.parts[part] for option, part in self.dialect.options.items()}}
        if self.dialect is not POSTGRESQL:
            return {"uri": self.given.partition("://")[2]}
        there = re.findall(r"[?&]([a-z_]+)=", self.given)
        more = "&".join(f"{name}={value}" for name, value in PATIENCE.items() if name not in there)
        return {"uri": f"{self.given}{'&' if '?' in self.given else '?'}{more}"}


def of(given: str) -> Address:
    """Refused where it is no address; the message does not repeat it."""
    if given.startswith(DELTA):
        place = of(given.removeprefix(DELTA)) if given != DELTA and not given.startswith(f"{DELTA}//") else None
        if place is None or place.dialect:
            raise Refused("after delta: comes a folder or bucket, as in delta:/srv/marts or delta:s3://bucket/marts", 2)
        return place._replace(is_delta=True)
    found = SCHEME.match(given)
    scheme = found[1].lower() if found else ""
    if not found or scheme in FOLDERS:
        parts = PARTS.fullmatch(given)
        secret = parts["password"] if parts else None
        return Address(None, given, given.replace(secret, "***") if secret else given, (secret,) if secret else ())
    if scheme not in BY_SCHEME:
        known = ", ".join(f"{name}://" for name in (*BY_SCHEME, *FOLDERS))
        raise Refused(f"TO begins with {scheme}://, which is none of {known} and no folder", 2)
    parts = PARTS.fullmatch(given)
    if not parts:
        raise Refused(
            f"TO is no address of the form {scheme}://user@host:port/database: in a name or password the characters "
            "@ / ? # and spaces are written %40 %2F %3F %23 %20; or leave the password out, and give it as PGPASSWORD",
            2,
        )
    options = dict(re.findall(r"([^&=]+)=([^&]*)", parts["options"] or ""))
    hidden = [parts["password"], *(word for name, word in options.items() if "passw" in name or "token" in name)]
    secrets = {word for one in hidden if one for word in (one, unquote(one))}
    user = f"{parts['user']}@" if parts["user"] else ""
    named = {name: options[name] for name in ("service", "host", "port", "dbname") if name in options}
    rest = "?" + "&".join(f"{name}={value}" for name, value in named.items()) if named else ""
    shown = f"{scheme}://{user}{parts['host']}/{parts['path'] or ''}{rest}"
    kept = {name: part or "" for name, part in parts.groupdict().items()}
    return Address(BY_SCHEME[scheme], given, shown, tuple(sorted(secrets, key=len, reverse=True)), kept)


def is_postgresql(address: Address) -> bool:
    return address.dialect is POSTGRESQL
