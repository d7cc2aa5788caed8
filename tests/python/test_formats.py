"""Every door: what a format says is the same as what any other says, and as what its raw file says."""

import tempfile
from pathlib import Path

import duckdb
from formats import FORMATS, Span, otlp_lines, write
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from landing.work import Piece, Reading, Task, examine, perform

COMPARED = (
    "trace_key, span_key, parent_span_key, trace_id, span_id, parent_span_id, name, started_at, ended_at, service_name,"
    " operation, provider, model, response_id, feature_id, user_id, prompt_version, input_tokens, cache_read_tokens,"
    " output_tokens, reasoning_tokens, input_includes_cached, usage_convention, stated_usd"
)
NAMES = st.text("abcdefghij-_ é", min_size=1, max_size=8).map(str.strip).filter(bool)
TOKENS = st.integers(0, 10**9)
ATTRIBUTES = st.fixed_dictionaries(
    {"gen_ai.operation.name": st.sampled_from(["chat", "execute_tool", "embeddings"])},
    optional={
        "gen_ai.provider.name": NAMES,
        "gen_ai.response.model": NAMES,
        "gen_ai.response.id": NAMES,
        "gen_ai.usage.input_tokens": TOKENS,
        "gen_ai.usage.output_tokens": TOKENS,
        "gen_ai.usage.cache_read.input_tokens": TOKENS,
        "gen_ai.usage.reasoning.output_tokens": TOKENS,
        "gen_ai.usage.cost": st.decimals(0, 10, places=6).map(str),
        "app.feature": NAMES,
        "user.id": NAMES,
        "gen_ai.prompt.version": NAMES,
        "gen_ai.input.messages": st.text(max_size=20),
        "any.other": st.text(max_size=5),
    },
)
IDS = st.binary(min_size=8, max_size=8).filter(any)
SPANS = st.lists(
    st.builds(
        Span,
        trace=st.binary(min_size=16, max_size=16).filter(any),
        number=IDS,
        parent=st.none() | IDS,
        name=NAMES,
        begin=st.integers(1_500_000_000_000_000, 1_790_000_000_000_000),
        length=st.integers(0, 10**9),
        is_error=st.booleans(),
        service=NAMES,
        attributes=ATTRIBUTES,
    ),
    min_size=1,
    max_size=6,
    unique_by=(lambda span: span.number, lambda span: span.trace),
)


def read(path: Path, columns: str = COMPARED, hash_identities: bool = False) -> list[tuple]:
    """What a worker stages from one file, in order of ids; of a span's copies the fullest."""
    with tempfile.TemporaryDirectory() as folder:
        staging = Path(folder)
        examined = examine(path, None)
        assert examined.what.table == "spans", examined.what
        pieces = tuple(Piece(path, examined.file_id, path.name, span) for span in examined.ranges or (None,))
        reading = Reading("secret", ("app.feature",), ("app.team",), hash_identities)
        perform(Task(examined.what, "task", 0, pieces), reading, staging)
        parts = [str(part) for part in staging.glob("spans/*/*.parquet")]
        rows = duckdb.read_parquet(parts, hive_partitioning=False) if parts else None
        query = f"select {columns} from rows qualify row_number() over (partition by trace_key, span_key order by filled desc) = 1 order by trace_key, span_key"  # noqa: E501
        return duckdb.sql(query).fetchall() if rows else []


@settings(max_examples=12, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(SPANS)
def test_a_forest_is_the_same_in_every_format(spans):
    with tempfile.TemporaryDirectory() as folder:
        expected = read(write(Path(folder), spans, otlp_lines))
        assert len(expected) == len(spans)
        for form in FORMATS[1:]:
            assert read(write(Path(folder), spans, form)) == expected, form.__name__
