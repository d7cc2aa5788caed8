"""Inboxes in object storage: Amazon S3, Google Cloud Storage, Azure Blob Storage, and whatever speaks their protocols.

An inbox is text: folders and addresses (`s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`,
`abfss://container@account.dfs.core.windows.net/prefix`), with a semicolon between two. Credentials are found as each
cloud's own tools find them and are never a part of an address; no message here repeats what a library said, which may.
"""

import os
import re
import time
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import md5
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

import state
from terminal import plain

SEPARATOR = ";"
STORES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}
PAUSES = (0.5, 1, 2, 4)  # seconds before a request is tried again, beside what the libraries do by themselves
AT_ONCE = 8  # requests under way
GOOGLE_SECONDS = 10  # that its library tries a request for, before it is tried again here
PORTION = 10_000  # objects of a listing that are handed on at a time
WIDE = 32  # folders of one level: more are each listed with all that is in them
BLOCK_BYTES = 1 << 23  # of a stream at a time: S3 answers each with a request of its own
# Folders that sort by time, of which a quick look opens the newest two.
OF_A_TIME = re.compile(r"(?:year|month|day|hour|minute|date|dt|billing_period)=[^/]*", re.IGNORECASE)
# Buckets whose tags look like checksums and are none, as of encrypted objects of S3: what came twice alike told so.
UNSUMMED: set["Bucket"] = set()
T = TypeVar("T")


class Bucket(NamedTuple):
    """What an address names: protocol, bucket or container, prefix, and Azure's account where it is said."""

    store: str
    name: str
    prefix: str = ""
    account: str = ""

    @property
    def base(self) -> str:
        """What the address of every object in the bucket begins with."""
        return f"abfss://{self.name}@{self.account}/" if self.account else f"{self.store}://{self.name}/"

    @property
    def address(self) -> str:
        return self.base + self.prefix

    @property
    def root(self) -> str:
        """As the library names it."""
        return f"{self.name}/{self.prefix}".rstrip("/")

    def address_of(self, path: str) -> str:
        return self.base + path[len(self.name) + 1 :]

    def path_of(self, address: str) -> str:
        return f"{self.name}/{address[len(self.base) :]}"


class Inboxes(NamedTuple):
    folders: tuple[Path, ...]
    buckets: tuple[Bucket, ...] = ()


class Object(NamedTuple):
    """An object as a listing names it; `modified` in nanoseconds since 1970."""

    address: str
    size: int
    modified: int


class Trouble(Exception):
    """A store that doesn't give what it is asked for: in one sentence, with what to do.

    `kind` is one of missing, credentials, permission, region, throttled, network, half, unknown; `code` the exit code.
    """

    def __init__(self, kind: str, sentence: str):
        super().__init__(sentence)
        self.kind, self.code = kind, 2 if kind in ("missing", "call") else 1

    @property
    def may_pass(self) -> bool:
        return self.kind in ("throttled", "network", "half", "unknown")


def inboxes_of(text: str | Path) -> Inboxes:
    """The folders and buckets that an inbox names; Trouble (exit code 2) where it names none.

    A folder of the whole text's name is that folder, whatever stands in its name.
    """
    if isinstance(text, Path) or ("://" not in text and (SEPARATOR not in text or Path(text).is_dir())):
        pieces = [str(text)]
    else:
        pieces = list(dict.fromkeys(piece.strip() for piece in text.split(SEPARATOR) if piece.strip()))
    folders, buckets = [], []
    for piece in pieces:
        scheme, colon, rest = piece.partition("://")
        if colon and not isinstance(text, Path):
            buckets.append(_bucket(scheme.lower(), rest))
            continue
        if not Path(piece).is_dir():
            raise Trouble("call", f"the inbox {piece} is no folder; create it, or name another")
        folders.append(Path(piece))
    return Inboxes(tuple(folders), tuple(dict.fromkeys(buckets)))


def _bucket(scheme: str, rest: str) -> Bucket:
    if scheme not in STORES:
        raise Trouble(
            "call",
            f"INBOX names an address of {plain(scheme)}://, which is none that can be read; say a folder, s3://, "
            f"gs://, az:// or abfss://, and {SEPARATOR} between several",
        )
    store = STORES[scheme]
    authority, _, prefix = rest.partition("/")
    name, at, account = authority.rpartition("@")
    if not at:
        name, account = authority, ""
    is_plain = re.fullmatch(r"[A-Za-z0-9$][A-Za-z0-9._-]*", name) and re.fullmatch(r"[A-Za-z0-9.-]*", account)
    if not is_plain or (at and (store != "az" or not account)) or "?" in prefix or "#" in prefix:
        raise Trouble(
            "call",
            f"an address of {scheme}:// in INBOX is not {scheme}://<bucket>/<prefix>; credentials and options are no "
            "part of it, they come from the environment (docs/operator.md)",
        )
    return Bucket(store, name, "/".join(part for part in prefix.split("/") if part), account)


def opened(bucket: Bucket) -> fs.FileSystem:
    """The store, with the credentials that its own tools would use."""
    try:
        return {"s3": _amazon, "gs": _google, "az": _azure}[bucket.store](bucket)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise trouble(error, bucket) from None


def _amazon(bucket: Bucket) -> fs.FileSystem:
    """AWS's chain is the library's; it looks for no endpoint, and not for the bucket's region."""
    given = os.environ.get
    endpoint = given("AWS_ENDPOINT_URL_S3") or given("AWS_ENDPOINT_URL")
    region = given("AWS_REGION") or given("AWS_DEFAULT_REGION")
    if not endpoint and not region:
        try:
            region = fs.resolve_s3_region(bucket.name)
        except OSError:  # listing says what is wrong
            region = None
    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=region,
        connect_timeout=10,
        request_timeout=60,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=3),
    )


def _google(_bucket: Bucket) -> fs.FileSystem:
    limit = timedelta(seconds=GOOGLE_SECONDS)
    if not (host := os.environ.get("STORAGE_EMULATOR_HOST")):
        return fs.GcsFileSystem(retry_time_limit=limit)
    scheme, _, authority = host.rpartition("://")
    return fs.GcsFileSystem(
        anonymous=True, scheme=scheme or "http", endpoint_override=authority.rstrip("/"), retry_time_limit=limit
    )


def _azure(bucket: Bucket) -> fs.FileSystem:
    """The library asks the identity (managed, workload, the `az` command's); keys and endpoints are told to it."""
    said = dict(part.partition("=")[::2] for part in _first("CONNECTION_STRING").split(";") if part)
    if said.get("UseDevelopmentStorage") == "true":
        raise Trouble("call", "AZURE_STORAGE_CONNECTION_STRING: write Azurite's out, with AccountKey and BlobEndpoint")
    account = bucket.account.partition(".")[0] or said.get("AccountName") or _first("ACCOUNT", "ACCOUNT_NAME")
    if not account:
        raise Trouble(
            "call",
            f"{bucket.address}: of which storage account? Set AZURE_STORAGE_ACCOUNT or "
            "AZURE_STORAGE_CONNECTION_STRING, or say abfss://<container>@<account>.dfs.core.windows.net/<prefix>",
        )
    options = {}
    if said.get("AccountName", account) != account:
        said = {}  # of another account
    if key := said.get("AccountKey") or _first("KEY", "ACCOUNT_KEY"):
        options["account_key"] = key
    elif token := said.get("SharedAccessSignature") or _first("SAS_TOKEN"):
        options["sas_token"] = token if token.startswith("?") else f"?{token}"
    endpoint = said.get("BlobEndpoint") or _first("SERVICE_ENDPOINT", "BLOB_ENDPOINT")
    suffix = said.get("EndpointSuffix") or bucket.account.partition(".")[2].removeprefix("dfs.").removeprefix("blob.")
    if endpoint:
        at = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        blob = at.netloc.removeprefix(account)  # with a dot before it, the library puts the account there
        options |= {"blob_storage_authority": blob, "dfs_storage_authority": blob.replace(".blob.", ".dfs.")}
        options |= {"blob_storage_scheme": at.scheme, "dfs_storage_scheme": at.scheme}
    elif suffix:
        options |= {"blob_storage_authority": f".blob.{suffix}", "dfs_storage_authority": f".dfs.{suffix}"}
    return fs.AzureFileSystem(account, **options)


def _first(*names: str) -> str:
    return next(filter(None, (os.environ.get(f"AZURE_STORAGE_{name}") for name in names)), "")


# Libraries' messages are recognised by these patterns; the first that fits counts. Codes of AWS stand in capitals.
SIGNS = [
    (
        "missing",
        "NO_SUCH_BUCKET|NO_SUCH_KEY|NoSuchBucket|NoSuchKey|ContainerNotFound|BlobNotFound|Path does not exist|"
        "NOT_FOUND|ResourceNotFound",
    ),
    ("region", "PermanentRedirect|PERMANENT_REDIRECT|HTTP status 301|AuthorizationHeaderMalformed"),
    (
        "throttled",
        r"SLOW_DOWN|SlowDown|THROTTL|Throttl|ServerBusy|RESOURCE_EXHAUSTED|TooManyRequests|"
        r"HTTP [Ss]tatus(?: code:?)? (?:429|503)|\] (?:429|503) ",
    ),
    ("permission", "ACCESS_DENIED|AccessDenied|PERMISSION_DENIED|AuthorizationPermissionMismatch"),
    (
        "credentials",
        "INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|INVALID_SIGNATURE|EXPIRED_TOKEN|INVALID_CLIENT_TOKEN_ID|"
        "UNRECOGNIZED_CLIENT|MISSING_AUTHENTICATION_TOKEN|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|"
        "InvalidToken|UNAUTHENTICATED|OAuth2 access token|AuthenticationException|AuthenticationFailed|"
        "AuthorizationFailure|HTTP [Ss]tatus(?: code:?)? 401|account_key|credential",
    ),
    ("permission", r"HTTP [Ss]tatus(?: code:?)? 403|\] 403 "),
    (
        "network",
        "NETWORK_CONNECTION|[cC]url|CURL|UNAVAILABLE|[Cc]ould not (?:connect|resolve)|new connection|[Tt]imed? ?out|"
        "REQUEST_TIMEOUT|ConnectionReset|INTERNAL_FAILURE|SERVICE_UNAVAILABLE",
    ),
]
WORDS = {
    "s3": ("AWS_ACCESS_KEY_ID or AWS_PROFILE", "s3:ListBucket and s3:GetObject", "AWS_ENDPOINT_URL"),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", "roles/storage.objectViewer", "STORAGE_EMULATOR_HOST"),
    "az": (
        "AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING (or the signed-in identity)",
        "the role Storage Blob Data Reader",
        "AZURE_STORAGE_SERVICE_ENDPOINT",
    ),
}


def trouble(error: BaseException, bucket: Bucket, address: str = "") -> Trouble:
    """What a library's error means, in words of our own: its message may repeat addresses, keys and requests.

    `address`: of the object that was asked for, if one was.
    """
    if isinstance(error, Trouble):
        return error
    text = str(error)
    kind = next((kind for kind, signs in SIGNS if re.search(signs, text)), "unknown")
    if isinstance(error, FileNotFoundError):
        kind = "missing"
    keys, rights, endpoint = WORDS[bucket.store]
    code = re.search(r"AWS Error ([A-Z_]+)|Azure Error: \[(\w+)\]|Status\((\w+)", text)
    named = next(filter(None, code.groups()), "") if code else ""
    named = f" ({named})" if named else ""
    sentence = {
        "missing": f"there is no such bucket, or no permission to see it{named}; correct INBOX",
        "region": f"the bucket is in another region{named}; say which in AWS_REGION",
        "throttled": f"the store asks to be asked less often{named}, also after {len(PAUSES)} pauses; run again later",
        "credentials": f"the store doesn't take the credentials, or there are none{named}; see whether {keys} is set "
        "and still valid, and run again",
        "permission": f"no permission{named}; give whoever runs this {rights} there, or set {keys}, and run again",
        "network": f"the store can't be reached, or breaks off{named}; see whether the network and {endpoint} are "
        "right, and run again",
        "unknown": f"the store answers with an error that is not known ({type(error).__name__}{named}); run again",
    }[kind]
    return Trouble(kind, f"{plain(address or bucket.address)}: {sentence}")


def patiently(what: Callable[[], T], bucket: Bucket, address: str = "") -> T:
    """What a request gives; it is tried again, after pauses, while what is wrong may pass."""
    for pause in (*PAUSES, None):
        try:
            return what()
        except (OSError, pa.ArrowException, Trouble) as error:
            if state.is_no_room(error):
                raise
            found = trouble(error, bucket, address)
            if pause is None or not found.may_pass:
                raise found from None
            time.sleep(pause)
    raise AssertionError


def listed(store: fs.FileSystem, bucket: Bucket, is_quick: bool = False) -> Iterator[list[Object]]:
    """The bucket's objects below its prefix, in portions, the latest names first.

    Folders are opened one by one as long as a level has few of them, then each is listed with all that is in it, so
    that neither the answers held at a time nor the number of requests is the whole bucket's. Google's are listed at
    once: the library doesn't name folders there. `is_quick`: of folders named after times only the newest two of each
    kind and parent are opened.
    """

    def look(path: str, is_deep: bool) -> list[fs.FileInfo]:
        chosen = fs.FileSelector(path, allow_not_found=True, recursive=is_deep)
        return patiently(lambda: store.get_file_info(chosen), bucket)

    level, found_any = [bucket.root], False
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while level:
            is_deep, below = bucket.store == "gs" or len(level) > WIDE, list[str]()
            for begin in range(0, len(level), AT_ONCE):
                parents = level[begin : begin + AT_ONCE]
                for parent, found in zip(parents, pool.map(lambda path: look(path, is_deep), parents), strict=True):  # noqa: B023
                    infos, is_whole = found, is_deep
                    folders = [info.path for info in infos if info.type == fs.FileType.Directory]
                    if not is_deep and not all(path.startswith(f"{parent}/") for path in folders):
                        # A name with an empty part lies in a folder that the library takes for the parent itself.
                        infos, is_whole = look(parent, True), True
                    files = (info for info in infos if info.type == fs.FileType.File)
                    while some := list(islice(files, PORTION)):
                        found_any = True
                        yield [Object(bucket.address_of(one.path), one.size, one.mtime_ns or 0) for one in some]
                    if not is_whole:
                        below += _newest(folders) if is_quick else folders
            level = sorted(below, reverse=True)
    if not found_any:
        _ask_for(store, bucket)


def is_askable(bucket: Bucket, address: str) -> bool:
    """Whether the library can ask for an object: not where a part of its name is empty, or names a folder as `..`."""
    return not {"", ".", ".."} & set(address[len(bucket.base) :].split("/"))


def _newest(folders: list[str]) -> list[str]:
    """Of the folders of one parent those that are named after no time, and the last two of those that are."""
    timed = sorted(path for path in folders if OF_A_TIME.fullmatch(path.rpartition("/")[2]))
    return [path for path in folders if path not in timed[:-2]]


def _ask_for(store: fs.FileSystem, bucket: Bucket) -> None:
    """Trouble where there is no bucket at all: one without an object below the prefix answers alike."""
    try:
        found = patiently(lambda: store.get_file_info(bucket.name), bucket)
    except Trouble as error:
        if error.kind == "permission":  # to list below a prefix may be all that is allowed
            return
        raise
    if found.type == fs.FileType.NotFound:
        raise trouble(FileNotFoundError(), bucket)


class Version(NamedTuple):
    """What a store says of an object: its bytes, a tag that changes with them, and their MD5 where it states one."""

    size: int
    tag: str
    md5: str = ""


def version_of(store: fs.FileSystem, path: str) -> Version:
    with store.open_input_stream(path, compression=None) as stream:
        return _version(stream)


def _version(stream) -> Version:
    said = {name.lower(): value.decode("utf-8", "replace") for name, value in (stream.metadata() or {}).items()}
    tag = said.get("generation") or said.get("versionid") or said.get("etag", "")
    stated = said.get("md5hash") or said.get("content-hash") or ""
    try:
        digest = b64decode(stated, validate=True).hex()
    except (NoBase64, ValueError):
        digest = ""
    if not digest and re.fullmatch('"?[0-9a-f]{32}"?', said.get("etag", "")):
        digest = said["etag"].strip('"')
    if "generation" in said and said.get("content-encoding"):  # Google unpacks it on the way: no size or sum is its
        return Version(-1, tag)
    size = said.get("content-length") or said.get("size") or "-1"
    return Version(int(size), tag, digest)


def fetch(store: fs.FileSystem, bucket: Bucket, address: str, target: Path) -> Version:
    """Write an object into a file, a block at a time: all of one version of it, or Trouble.

    Raises FileNotFoundError where it is gone, Trouble of kind half where it breaks off, or changes, each time.
    """
    path, bodies = bucket.path_of(address), []

    def once() -> Version:
        digest, size = md5(usedforsecurity=False), 0
        with store.open_input_stream(path, compression=None) as stream, target.open("wb") as file:
            version = _version(stream)
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
                size += file.write(block)
        if size != version.size >= 0:
            raise _half(bucket, address, f"{size:,} of {version.size:,} bytes came")
        body = digest.hexdigest()
        stated = "" if bucket in UNSUMMED else version.md5
        if stated and body != stated:
            if body not in bodies:
                bodies.append(body)
                raise _half(bucket, address, "its bytes are not those that the store has a checksum of")
            UNSUMMED.add(bucket)
        if body != stated and version_of(store, path).tag != version.tag:
            raise _half(bucket, address, "it was written anew meanwhile")
        return version

    try:
        return patiently(once, bucket, address)
    except Trouble as error:
        if error.kind == "missing":
            raise FileNotFoundError(address) from None
        raise


def _half(bucket: Bucket, address: str, why: str) -> Trouble:
    return Trouble("half", f"{plain(address)}: {why}, each of {len(PAUSES) + 1} times; the next build tries again")
