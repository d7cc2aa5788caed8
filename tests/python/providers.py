"""Providers' servers on localhost, with the pages that each documents: buckets, cursors, numbers; and their faults."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

ADMIN_KEY = "sk-admin-0123456789abcdef"
USAGE = {
    "completions": {"input_tokens": 1000, "output_tokens": 500, "input_cached_tokens": 800, "input_audio_tokens": 0,
                    "output_audio_tokens": 0, "num_model_requests": 5, "model": "gpt-4o-mini", "batch": False,
                    "service_tier": "default"},
    "embeddings": {"input_tokens": 700, "num_model_requests": 2, "model": "text-embedding-3-small"},
    "moderations": {"input_tokens": 60, "num_model_requests": 3, "model": "omni-moderation-latest"},
    "images": {"images": 2, "num_model_requests": 2, "size": "1024x1024", "source": "image.generation",
               "model": "dall-e-3"},
    "audio_speeches": {"characters": 45, "num_model_requests": 1, "model": "tts-1"},
    "audio_transcriptions": {"seconds": 20, "num_model_requests": 1, "model": "whisper-1"},
    "vector_stores": {"usage_bytes": 1024, "project_id": "proj_1"},
    "code_interpreter_sessions": {"num_sessions": 1, "project_id": "proj_1"},
}  # fmt: skip


class Asked(NamedTuple):
    path: str
    parameters: dict[str, Any]
    headers: dict[str, str]


class Fault(NamedTuple):
    """How the next requests go wrong: a status, or an answer that comes late, is cut, or is something else."""

    status: int = 200
    headers: dict[str, str] | None = None
    body: bytes = b'{"error": {"message": "no"}}'
    seconds: float = 0
    says_more: int = 0  # bytes that Content-Length has beyond the body


class Provider:
    """One server with the pages of all of them. `days` are a report's results by day; `page_size` what a page holds."""

    def __init__(self) -> None:
        self.days: dict[str, dict[str, list[dict]]] = {}
        self.rows: dict[str, list[dict]] = {}  # spans, scores, runs: by the path that lists them
        self.page_size, self.asked, self.faults = 31, list[Asked](), list[Fault | None]()
        self.is_endless = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # whoever asked was killed
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body together, or each answer waits for an acknowledgement

            def log_message(self, *_) -> None:
                pass

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                values = parse_qs(split.query, keep_blank_values=True)
                provider.answer(self, split.path, {name: v if len(v) > 1 else v[0] for name, v in values.items()})

            def do_POST(self) -> None:
                said = self.rfile.read(int(self.headers["Content-Length"]))
                provider.answer(self, urlsplit(self.path).path, json.loads(said))

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler, path: str, parameters: dict[str, Any]) -> None:
        self.asked.append(Asked(path, parameters, dict(handler.headers)))
        fault = self.faults.pop(0) if self.faults else None
        if fault and fault.seconds:
            time.sleep(fault.seconds)
        page = None if fault else self.page(path, parameters)
        body = fault.body if fault else json.dumps(page).encode()
        status = fault.status if fault else 404 if page is None else 200
        try:
            handler.send_response(status)
            for name, value in ((fault.headers if fault else None) or {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body) + (fault.says_more if fault else 0)))
            handler.end_headers()
            handler.wfile.write(body)
            handler.wfile.flush()
        except OSError:  # nobody waited
            pass
        if fault and fault.says_more:
            handler.close_connection = True

    def page(self, path: str, asked: dict[str, Any]) -> Any:
        if path == "/v1/organization/costs" or path.startswith("/v1/organization/usage/"):
            return self.openai(path, asked)
        if path.startswith("/v1/organizations/"):
            return self.anthropic(path, asked)
        known: dict[str, Callable] = {
            "/api/v1/activity": lambda: {"data": self.days.get(path, {}).get(asked["date"], [])},
            "/spend/logs/v2": lambda: self.numbered(path, asked),
            "/api/public/v2/observations": lambda: self.langfuse(path, asked, "StartTime", "startTime"),
            "/api/public/v3/scores": lambda: self.langfuse(path, asked, "Timestamp", "timestamp"),
            "/v1/projects": lambda: {"data": [{"id": "UHJvamVjdDox", "name": "default"}], "next_cursor": None},
            "/v1/projects/UHJvamVjdDox/spans": lambda: self.phoenix(path, asked),
            "/api/v1/sessions": lambda: [{"id": f"session-{n}"} for n in range(150)][int(asked["offset"]):][:100],
            "/api/v1/runs/query": lambda: self.langsmith(path, asked),
        }  # fmt: skip
        return known[path]() if path in known else None

    def openai(self, path: str, asked: dict[str, Any]) -> dict:
        begin, end = (datetime.fromtimestamp(int(asked[name]), UTC) for name in ("start_time", "end_time"))
        kind = path.removeprefix("/v1/organization/").replace("usage/", "usage.")

        def bucket(day: datetime) -> dict:
            results = self.days.get(path, {}).get(f"{day:%Y-%m-%d}", [])
            return {"object": "bucket", "start_time": int(day.timestamp()),
                    "end_time": int((day + timedelta(days=1)).timestamp()),
                    "results": [{"object": f"organization.{kind}.result", **result} for result in results]}  # fmt: skip

        return {"object": "page", **self.bucketed(begin, end, asked, bucket)}

    def anthropic(self, path: str, asked: dict[str, Any]) -> dict:
        begin, end = (datetime.fromisoformat(asked[name]) for name in ("starting_at", "ending_at"))

        def bucket(day: datetime) -> dict:
            results = self.days.get(path, {}).get(f"{day:%Y-%m-%d}", [])
            ends = day + timedelta(days=1)
            return {"starting_at": f"{day:%Y-%m-%dT%H:%M:%SZ}", "ending_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
                    "results": results}  # fmt: skip

        return self.bucketed(begin, end, asked, bucket)

    def bucketed(self, begin: datetime, end: datetime, asked: dict[str, Any], bucket: Callable) -> dict:
        days = [begin + timedelta(days=number) for number in range((end - begin).days)]
        place = int(asked.get("page", "page_0").removeprefix("page_"))
        rest = len(days) > place + self.page_size or self.is_endless
        following = place if self.is_endless else place + self.page_size
        return {"data": [bucket(day) for day in days[place : place + self.page_size]], "has_more": rest,
                "next_page": f"page_{following}" if rest else None}  # fmt: skip

    def between(self, path: str, name: str, begin: str, end: str) -> list[dict]:
        first, last = (datetime.fromisoformat(text).replace(tzinfo=None) for text in (begin, end))
        times = ((row, datetime.fromisoformat(row[name]).replace(tzinfo=None)) for row in self.rows.get(path, []))
        return [row for row, at in times if first <= at < last]

    def cut(self, rows: list[dict], cursor: str | None) -> tuple[list[dict], str | None]:
        place = int((cursor or "c0")[1:])
        following = place + self.page_size
        return rows[place:following], f"c{following}" if following < len(rows) else None

    def langfuse(self, path: str, asked: dict, what: str, name: str) -> dict:
        rows = self.between(path, name, asked[f"from{what}"], asked[f"to{what}"])
        rows, cursor = self.cut(rows, asked.get("cursor"))
        return {"data": rows, "meta": {"limit": 100, **({"cursor": cursor} if cursor else {})}}

    def phoenix(self, path: str, asked: dict) -> dict:
        rows = self.between(path, "start_time", asked["start_time"], asked["end_time"])
        rows, cursor = self.cut(rows, asked.get("cursor"))
        return {"data": rows, "next_cursor": cursor}

    def langsmith(self, path: str, asked: dict) -> dict:
        begin, end = (part.partition('"')[0] for part in asked["filter"].split('start_time, "')[1:])
        rows = [row for row in self.between(path, "start_time", begin, end) if row["session_id"] in asked["session"]]
        rows = [{name: value for name, value in row.items() if name in asked["select"]} for row in rows]
        rows, cursor = self.cut(rows, asked.get("cursor"))
        return {"runs": rows, "cursors": {"next": cursor, "prev": None}, "parsed_query": None}

    def numbered(self, path: str, asked: dict) -> dict:
        rows, page = (
            self.between(path, "startTime", asked["start_date"], f"{asked['end_date']}.999999"),
            int(asked["page"]),
        )
        begin, size = (page - 1) * self.page_size, self.page_size
        return {"data": rows[begin : begin + size], "total": len(rows), "page": page, "page_size": size,
                "total_pages": -(-len(rows) // size)}  # fmt: skip


@contextmanager
def provider():
    one = Provider()
    thread = threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.server.shutdown()
        one.server.server_close()
        thread.join()


def settings(one: Provider) -> dict[str, str]:
    """The environment that names the server as every provider's, with keys, and without waiting."""
    return {
        "OPENAI_BASE_URL": f"{one.url}/v1", "OPENAI_ADMIN_KEY": ADMIN_KEY,
        "ANTHROPIC_BASE_URL": one.url, "ANTHROPIC_ADMIN_KEY": "sk-ant-admin-0123456789",
        "OPENROUTER_BASE_URL": f"{one.url}/api/v1", "OPENROUTER_MANAGEMENT_KEY": "sk-or-0123456789",
        "LITELLM_BASE_URL": one.url, "LITELLM_ADMIN_KEY": "sk-litellm-0123456789",
        "LANGFUSE_HOST": one.url, "LANGFUSE_PUBLIC_KEY": "pk-lf-0123456789", "LANGFUSE_SECRET_KEY": "sk-lf-0123456789",
        "PHOENIX_BASE_URL": one.url, "LANGSMITH_ENDPOINT": one.url, "LANGSMITH_API_KEY": "lsv2_pt_0123456789",
        "PULL_PACE": "0", "PULL_BACKOFF": "0.001", "PULL_TIMEOUT": "5", "PULL_TRIES": "3",
    }  # fmt: skip


def openai_cost(value: Any, line_item: str = "gpt-4o-mini, input", **others) -> dict:
    return {"amount": {"value": value, "currency": "usd"}, "line_item": line_item, "project_id": "proj_1",
            "api_key_id": "key_1", "organization_id": "org-1", **others}  # fmt: skip


def openai_use(tokens: int, **others) -> dict:
    return {**USAGE["completions"], "project_id": "proj_1", "user_id": "user_1", "api_key_id": "key_1",
            "input_tokens": tokens, "input_cached_tokens": 0, **others}  # fmt: skip


def anthropic_cost(cents: str, **others) -> dict:
    return {"currency": "USD", "amount": cents, "workspace_id": "wrkspc_1", "cost_type": "tokens",
            "description": "Claude Sonnet 4 Usage - Input Tokens", "context_window": "0-200k",
            "service_tier": "standard", "model": "claude-sonnet-4-20250514", "token_type": "uncached_input_tokens",
            "inference_geo": "global", **others}  # fmt: skip


def anthropic_use(tokens: int, **others) -> dict:
    return {"uncached_input_tokens": tokens, "cache_read_input_tokens": 200, "output_tokens": 500,
            "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 50},
            "server_tool_use": {"web_search_requests": 10}, "api_key_id": "apikey_1", "workspace_id": "wrkspc_1",
            "model": "claude-sonnet-4-20250514", "context_window": "0-200k", "service_tier": "standard",
            "inference_geo": "global", "account_id": None, "service_account_id": None, **others}  # fmt: skip


def openrouter_day(day: str, usage: float, **others) -> dict:
    return {"date": day, "model": "openai/gpt-4.1", "model_permaslug": "openai/gpt-4.1-2025-04-14",
            "endpoint_id": "550e8400-e29b-41d4-a716-446655440000", "provider_name": "OpenAI", "usage": usage,
            "byok_usage_inference": 0.012, "requests": 5, "prompt_tokens": 50, "completion_tokens": 125,
            "reasoning_tokens": 25, **others}  # fmt: skip


def litellm_row(number: int, at: str, spend: float = 0.01) -> dict:
    return {"request_id": f"chatcmpl-{number}", "call_type": "acompletion", "api_key": "88dc28", "spend": spend,
            "total_tokens": 30, "prompt_tokens": 10, "completion_tokens": 20, "startTime": at, "endTime": at,
            "completionStartTime": None, "model": "gpt-4o-mini", "model_id": "", "model_group": "gpt-4o-mini",
            "custom_llm_provider": "openai", "api_base": "https://api.openai.com", "user": "u", "cache_hit": "False",
            "metadata": {"user_api_key_alias": "search"}, "cache_key": "", "request_tags": ["feature:search"],
            "team_id": "t", "end_user": "", "requester_ip_address": None, "messages": {}, "response": {},
            "session_id": "s", "status": "success", "proxy_server_request": {}}  # fmt: skip


def observation(number: int, at: str) -> dict:
    return {"id": f"obs-{number}", "traceId": f"trace-{number}", "startTime": at, "endTime": at, "projectId": "p",
            "parentObservationId": None, "type": "GENERATION", "name": "answer", "level": "DEFAULT",
            "statusMessage": None, "version": None, "environment": "production", "bookmarked": False, "public": False,
            "userId": "u1", "sessionId": "s1", "providedModelName": "gpt-4o-mini", "internalModelId": None,
            "modelParameters": "{}", "usageDetails": {"input": 10, "output": 20, "total": 30},
            "costDetails": {"total": 0.01}, "totalCost": 0.01, "usagePricingTierName": None,
            "metadata": {"note": "x"}, "tags": ["feature:search"], "traceName": "answer", "release": None,
            "promptId": None, "promptName": None, "promptVersion": None}  # fmt: skip


def score(number: int, at: str, is_good: bool, **subject) -> dict:
    return {"id": f"score-{number}", "projectId": "p", "name": "helpful", "source": "API", "timestamp": at,
            "environment": "production", "createdAt": at, "updatedAt": at, "dataType": "BOOLEAN", "value": is_good,
            "subject": subject}  # fmt: skip


def phoenix_span(number: int, at: str) -> dict:
    return {"id": f"U3Bhbjo{number}", "name": "ChatCompletion", "span_kind": "LLM", "parent_id": None,
            "context": {"trace_id": f"{number:032x}", "span_id": f"{number:016x}"}, "start_time": at, "end_time": at,
            "status_code": "OK", "status_message": "", "events": [],
            "attributes": {"llm.model_name": "gpt-4o-mini", "llm.token_count.prompt": 10,
                           "llm.token_count.completion": 20, "input.value": "a text of a customer"}}  # fmt: skip


def langsmith_run(number: int, at: str, session: str = "session-7") -> dict:
    identity = f"018e4c7e-a9fb-7ef0-a5b6-{number:012x}"
    return {"id": identity, "trace_id": identity, "parent_run_id": None, "name": "ChatOpenAI", "run_type": "llm",
            "dotted_order": f"20261005T100000000000Z{identity}", "start_time": at, "end_time": at, "status": "success",
            "extra": {"metadata": {"ls_model_name": "gpt-4o-mini", "ls_provider": "openai"}}, "tags": [],
            "session_id": session, "prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30,
            "prompt_token_details": None, "completion_token_details": None, "total_cost": "0.01",
            "inputs": {"messages": "a text of a customer"}, "outputs": {"text": "an answer"}}  # fmt: skip


def filled(one: Provider) -> None:
    """A few days of everything, in October 2026."""
    one.days = {
        "/v1/organization/costs": {
            "2026-10-05": [openai_cost(0.1234567890123456), openai_cost("1.5", "gpt-4o-mini, output")],
            "2026-10-06": [openai_cost(2.25)],
        },
        "/v1/organizations/cost_report": {
            "2026-10-05": [anthropic_cost("123.78912")], "2026-10-07": [anthropic_cost("50")],
        },
        "/v1/organizations/usage_report/messages": {"2026-10-05": [anthropic_use(1500)]},
        "/api/v1/activity": {"2026-10-05": [openrouter_day("2026-10-05", 0.015)],
                             "2026-10-06": [openrouter_day("2026-10-06", 0.5)]},
        **{f"/v1/organization/usage/{kind}":
           {"2026-10-05": [{"project_id": "proj_1", "user_id": "user_1", "api_key_id": "key_1", **counts}]}
           for kind, counts in USAGE.items()},
    }  # fmt: skip
    hours = [f"2026-10-05T{hour:02}:00:00" for hour in range(5)]
    one.rows = {
        "/spend/logs/v2": [litellm_row(number, f"{at}+00:00") for number, at in enumerate(hours)],
        "/api/public/v2/observations": [observation(number, f"{at}.000Z") for number, at in enumerate(hours)],
        "/api/public/v3/scores": [
            score(1, f"{hours[1]}.000Z", True, kind="trace", id="trace-1"),
            score(2, f"{hours[2]}.000Z", False, kind="observation", id="obs-2", traceId="trace-2"),
            score(3, f"{hours[3]}.000Z", True, kind="experiment", id="run-1"),
        ],
        "/v1/projects/UHJvamVjdDox/spans": [phoenix_span(n + 1, f"{at}+00:00") for n, at in enumerate(hours)],
        "/api/v1/runs/query": [langsmith_run(n, f"{at}.000000") for n, at in enumerate(hours)],
    }
