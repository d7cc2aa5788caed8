"""What a warehouse says, as a sentence with what to do."""

import re

from publishing.addresses import Address

# libpq gives no code for a connection that failed, so its text is matched: patterns, and what to do.
CONNECTING = (
    (r"password authentication failed|no password supplied|fe_sendauth",
     "give the right password by PGPASSWORD, ~/.pgpass or a service"),
    (r'role "(.*)" does not exist', "name another user in TO, or have an administrator create it"),
    (r'database "(.*)" does not exist', "name another database in TO, or create it (createdb)"),
    (r"no pg_hba.conf entry", "have an administrator let this user in from here (pg_hba.conf), or add sslmode="),
    (r"permission denied for database", "have an administrator grant connect on it"),
    (r"could not translate host name", "is the host in TO spelled right, and is there a network?"),
    (r"timeout expired|timed out|Network is unreachable|No route to host", "is there a network, and the port open?"),
    (r"Connection refused|No such file or directory", "is the server running, and are host and port in TO right?"),
    (r"too many clients|remaining connection slots|too many connections", "run again when others have gone"),
    (r"starting up|shutting down|in recovery", "run again when the server is up"),
    (r"definition of service", "is it in ~/.pg_service.conf or in PGSERVICEFILE?"),
    (r"SSL|certificate", "see sslmode and sslrootcert in PostgreSQL's documentation"),
    (r"invalid URI|invalid integer value|connection option", "see the form of a connection URI in docs/bi.md"),
)  # fmt: skip
# By SQLSTATE, or its first letters.
STATES = {
    "2BP01": "drop what depends on it or take the column out of it, run again, and create it anew",
    "22P05": "the database's encoding can't hold it; create one with encoding UTF8",
    "22021": "the database's encoding can't hold it; create one with encoding UTF8",
    "25006": "the server takes no writes: is it a standby? name the primary in TO",
    "3D000": "create the database, or name another in TO",
    "3F000": "create the schema, or name another with SCHEMA=",
    "42501": "have an administrator grant it (docs/bi.md has the statements), or name another user",
    "42P07": "name a schema for the marts alone with SCHEMA=",
    "53100": "the warehouse's disk is full; make room and run again",
    "53200": "the warehouse has no memory left; run again when it is less busy",
    "53300": "run again when others have gone",
    "53400": "the warehouse's limit is reached; raise it and run again",
    "54": "a limit of the warehouse is reached; is there an index on a column of long texts?",
    "57014": "somebody canceled it; run again",
    "57P": "the server went down; run again when it is up",
    "58030": "the warehouse can't read or write its files; tell its administrator",
    "23": "a constraint or key was put on that table that the mart does not keep; drop it and run again",
    "P0001": "a trigger or rule on that table refused it; drop it and run again",
    "40": "somebody else was working on the same rows; run again",
    "08": "the connection broke; run again",
}
LOST = re.compile(
    "server closed the connection|connection (?:to server was lost|not open)|no connection to the server|"
    "could not (?:receive|send) data|Connection reset|Broken pipe|SSL SYSCALL|timed out"
)


COMMITTING = "whether all or nothing was published is not known: the next publication finds out"


def state_of(error: BaseException) -> str:
    return getattr(error, "sqlstate", None) or ""


def sentence(error: Exception, address: Address, doing: str) -> str:
    """One line: where, what the warehouse said, and what to do."""
    state, words = state_of(error), address.redacted(str(error))
    said = _said(error, words)
    where = f"{doing}: " if doing not in ("", "publisher", "commit") else ""
    if state:
        remedy = next((STATES[key] for key in (state, state[:3], state[:2]) if key in STATES), "")
    else:
        remedy = next((remedy for pattern, remedy in CONNECTING if re.search(pattern, words)), "")
        if not remedy and LOST.search(words):
            remedy = "the connection broke; run again"
    end = "nothing was published" if state or doing != "commit" else COMMITTING
    return f"{address.shown}: {where}{said}{'; ' + remedy if remedy else ''} ({end})"


def _said(error: Exception, words: str) -> str:
    """The server's own sentence, without a driver's frame around it."""
    if found := re.search(r"(?:ERROR|FATAL|PANIC):\s+(.+)", words):
        return found[1].rstrip(".")
    first = [line.strip() for line in words.splitlines() if line.strip()] or [type(error).__name__]
    return re.sub(r"^[A-Z_]+: (?:\[libpq\] )?(?:Failed to connect: )?", "", first[0]).rstrip(".")
