"""How many spans a span stands for where traces are sampled: its adjusted count, the inverse of the probability with
which it was kept.

Samplers write it in ways of their own; rows `adjusted_count` of seed attribute_aliases name the attributes, and their
convention the system, whose formula is here. Of systems that state different counts the first counts, in this order:

1. the store that kept the span (Application Insights' itemCount, Honeycomb's sample rate): it counted last, and what
   came before is in its count;
2. OpenTelemetry's sampling threshold, in the trace state or as an attribute: each sampler on the way writes it anew;
3. what an SDK or an agent noted when it began the trace (Sentry, Datadog, Azure Monitor, Logfire, Jaeger);
4. `sampling.priority`, a wish to keep the span whatever the sampler says, which is asked where nothing else is said.

Nothing is multiplied across systems: whether one knew of the other is not written down. Spans on which two of them
differ are counted and named. How the parts of one system combine is that system's own rule.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import duckdb

Texts = Mapping[str, str]  # SQL of texts, by attribute
DIFFERING = "sampled"  # before the names of two systems, in what a file's portions found
# The raw column of readers whose format has a field for the trace state.
FIELD = "trace_state"
STATED_BY = {
    "application_insights": "Application Insights' itemCount",
    "honeycomb": "Honeycomb's sample rate",
    "otel": "the trace state",
    "otel_attribute": "sampling.threshold",
    "sentry": "Sentry's sample rates",
    "datadog": "Datadog's sampling rates",
    "datadog_llm": "Datadog's rate of LLM Observability",
    "azure_monitor": "microsoft.sample_rate",
    "logfire": "logfire.sample_rate",
    "jaeger": "sampler.param",
    "opentracing": "sampling.priority",
}
# A wish is no count: where another system states one, they do not differ.
WISHES = {"opentracing"}
# Rates of sound, in hertz: a span of audio may have one under the name that Honeycomb's SDKs have for theirs.
OF_SOUND = "(8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)"
MAY_BE_SOUND = {"sampleRate", "SampleRate"}
# Attributes of Datadog that are no rates: whether the sampler decided to keep the trace, and whether another one, which
# looks for errors or at single spans, kept this against that decision.
DECISION, RESCUES = "_sampling_priority_v1", ("_dd.errors_sr", "_dd.span_sampling.mechanism")
# Names that readers give to fields of their formats, and those fields.
SHOWN = {
    "azure.itemCount": "itemCount",
    "honeycomb.samplerate": "samplerate",
    "_dd.llmobs.sample_rate": "_dd.sample_rate",
}
NOTHING = "cast(null as varchar)"
# Honeycomb keeps whole rates, and thresholds are rounded to four digits.
DIFFER = "abs({one} - {other}) >= 1 and abs({one} - {other}) * 100 > greatest({one}, {other})"
DISAGREE = """
with counted as (select file_no, source_line, {adjusted} from (select *, {columns} from raw)),
listed as (
    select *, list_filter([{listed}], lambda one: one.adjusted_count is not null) as stated from counted
),
told as (
    select file_no, source_line, stated[1] as chosen, unnest(stated[2:]) as other from listed where len(stated) > 1
)
select file_no, chosen.system, other.system, min(source_line), count(*)
from told
where {differ}
group by all
"""


class Statement(NamedTuple):
    """What one system says: SQL for the adjusted count, null where it says none, and for why it can't be read."""

    system: str
    adjusted: str
    faults: tuple[str, ...]


class Disagreement(NamedTuple):
    """Spans of a file on which another system states another count than the one that counts."""

    file_no: int
    chosen: str
    other: str
    line: int
    spans: int


class Sampling(NamedTuple):
    """Of a portion: columns of its attributes, statements in their order, and SQL for whether a tail sampler kept a
    span.
    """

    columns: tuple[str, ...]
    statements: tuple[Statement, ...]
    is_tail: str

    @property
    def adjusted(self) -> str:
        return _coalesced(f"adjusted_{one.system}" for one in self.statements)

    @property
    def faults(self) -> dict[str, str]:
        """Why values can't be read, by the column that says it."""
        found = [fault for one in self.statements for fault in one.faults]
        return {f"sampling_fault_{number}": fault for number, fault in enumerate(found)}

    def stated(self) -> list[str]:
        """Columns of a query over those of the attributes: these, and what the systems make of them."""
        columns = [column.rpartition(" as ")[2] for column in self.columns]
        columns += [f"{one.adjusted} as adjusted_{one.system}" for one in self.statements]
        return columns + ([f"{self.is_tail} as was_tail_sampled"] if self.is_tail else [])

    def told(self) -> list[str]:
        """Columns of the query over that one: why a value can't be read."""
        return [f"{fault} as {name}" for name, fault in self.faults.items()]

    def disagreements(self, engine: duckdb.DuckDBPyConnection) -> list[Disagreement]:
        asked = [one for one in self.statements if one.system not in WISHES]
        if len(asked) < 2:
            return []
        listed = (f"{{'system': '{one.system}', 'adjusted_count': adjusted_{one.system}}}" for one in asked)
        found = engine.execute(DISAGREE.format(
            columns=", ".join(self.columns),
            adjusted=", ".join(f"{one.adjusted} as adjusted_{one.system}" for one in asked),
            listed=", ".join(listed),
            differ=DIFFER.format(one="chosen.adjusted_count", other="other.adjusted_count"),
        )).fetchall()  # fmt: skip
        return [Disagreement(*row) for row in found]


def of(stated: Iterable[tuple[str, str, str]], tail: Iterable[str], has_state: bool, is_marked: bool) -> Sampling:
    """What a portion says: from (system, attribute, SQL of its text), in the order of their priority, and the SQL of
    texts that tail samplers write. `has_state` where the field of the trace state is filled, `is_marked` where a reader
    found a tail sampler's mark by itself.
    """
    columns: list[str] = []
    named: dict[str, dict[str, str]] = {"otel": {FIELD: FIELD}} if has_state else {}
    for system, attribute, text in stated:
        column = f"sampling_{len(columns)}"
        columns.append(f"{text} as {column}")
        named.setdefault(system, {})[attribute] = column
    marks = ["coalesce(is_tail_sampled, false)"] if is_marked else []
    for text in tail:
        columns.append(f"{text} as sampling_{len(columns)}")
        marks.append(f"coalesce(lower(sampling_{len(columns) - 1}) <> 'false', false)")
    if states := named.get("otel", {}).values():
        columns.append(f"{_coalesced(f'state_threshold({state})' for state in states)} as state_th")
        exponent = _coalesced(f"state_value({state}, 'p')" for state in states)
        columns.append(f"case when state_th is null then {exponent} end as state_p")
    statements = (FORMULAS[system](system, named[system]) for system in STATED_BY if system in named)
    is_tail = f"case when {' or '.join(marks)} then true end" if marks else ""
    return Sampling(tuple(columns), tuple(statements), is_tail)


def _rate(system: str, named: Texts) -> Statement:
    """One of so many was kept; of several names the first that says so."""
    adjusted, faults = [], []
    for name, text in named.items():
        count, fault = f"adjusted_of_rate({text})", f"rate_fault({text}, '{SHOWN.get(name, name)}')"
        if name in MAY_BE_SOUND:
            is_sound = f"coalesce(try_cast({text} as decimal(38, 6)) in {OF_SOUND}, false)"
            count = f"case when not {is_sound} then {count} end"
            fault = f"case when {is_sound} then sound_fault({text}, '{name}') else {fault} end"
        adjusted.append(count)
        faults.append(fault)
    return Statement(system, _coalesced(adjusted), tuple(faults))


def _probability(system: str, named: Texts) -> Statement:
    return Statement(system, f"adjusted_of({_first(named, *named)})", _faults(named))


def _percent(system: str, named: Texts) -> Statement:
    [(name, text)] = named.items()
    return Statement(system, f"adjusted_of(percent_of({text}))", (f"percent_fault({text}, '{name}')",))


def _trace_state(system: str, named: Texts) -> Statement:
    """The exponent is of an earlier specification: where a threshold is stated, it is not asked."""
    adjusted = (
        "case when state_th is not null then adjusted_of_threshold(state_th) else adjusted_of_exponent(state_p) end"
    )
    fault = """case when adjusted_otel is null then coalesce(
        threshold_fault(state_th, 'th of the trace state'), exponent_fault(state_p, 'p of the trace state')
    ) end"""
    return Statement(system, adjusted, (fault,))


def _threshold(system: str, named: Texts) -> Statement:
    [(name, text)] = named.items()
    return Statement(system, f"adjusted_of_threshold({text})", (f"threshold_fault({text}, '{name}')",))


def _sentry(system: str, named: Texts) -> Statement:
    """Relay drops after the SDK did: the rate of either is a factor of the probability."""
    servers = ("sentry.server_sample_rate", "server_sample_rate")
    clients = (name for name in named if name not in servers)
    return Statement(system, f"adjusted_of({_both(_first(named, *clients), _first(named, *servers))})", _faults(named))


def _datadog(system: str, named: Texts) -> Statement:
    """A rule's rate and its limiter's are factors; where no rule held, the agent's rate stands for the rule's, and the
    propagated rate repeats either. The agent's probabilistic sampler takes the place of them all. A sampler before
    these notes what it let through, a factor too. Who kept a span against their decision states no probability of it.
    """
    head = _both(_first(named, "_dd.rule_psr", "_dd.agent_psr", "_dd.p.ksr"), _first(named, "_dd.limit_psr"))
    if "_dd.prob_sr" in named:
        head = f"coalesce({', '.join(filter(None, [_first(named, '_dd.prob_sr'), head]))})"
    rescues = [f"{named[name]} is null" for name in RESCUES if name in named]
    if DECISION in named:
        rescues.append(f"coalesce(try_cast({named[DECISION]} as decimal(38, 6)) > 0, true)")
    known = f"adjusted_of({_both(head, _first(named, '_sample_rate'))})"
    rates = {name: text for name, text in named.items() if name not in (DECISION, *RESCUES)}
    if not rates:
        return Statement(system, "cast(null as decimal(18, 6))", ())
    return Statement(
        system, f"case when {' and '.join(rescues)} then {known} end" if rescues else known, _faults(rates)
    )


def _jaeger(system: str, named: Texts) -> Statement:
    kind, param = (named.get(name, NOTHING) for name in ("sampler.type", "sampler.param"))
    return Statement(system, f"adjusted_of_jaeger({kind}, {param})", (f"jaeger_fault({kind}, {param})",))


def _wish(system: str, named: Texts) -> Statement:
    """Above 0 the Collector keeps the span whatever its rate; at 0 it drops it, and below that it goes by the rate."""
    [(name, text)] = named.items()
    is_kept = f"try_cast({text} as decimal(38, 6)) > 0"
    return Statement(
        system, f"case when {is_kept} then cast(1 as decimal(18, 6)) end", (f"number_fault({text}, '{name}')",)
    )


def _coalesced(values: Iterable[str]) -> str:
    return f"coalesce({', '.join([*values, 'null'])})"


def _first(named: Texts, *names: str) -> str:
    """SQL for the probability that the first of some attributes states which can be read; empty where none occurs."""
    known = [f"probability_of({named[name]})" for name in names if name in named]
    return f"coalesce({', '.join(known)})" if len(known) > 1 else "".join(known)


def _both(one: str, other: str) -> str:
    return f"both_of({one}, {other})" if one and other else one or other


def _faults(named: Texts) -> tuple[str, ...]:
    return tuple(f"probability_fault({text}, '{SHOWN.get(name, name)}')" for name, text in named.items())


FORMULAS: dict[str, Callable[[str, Texts], Statement]] = {
    "application_insights": _rate,
    "honeycomb": _rate,
    "otel": _trace_state,
    "otel_attribute": _threshold,
    "sentry": _sentry,
    "datadog": _datadog,
    "datadog_llm": _probability,
    "azure_monitor": _percent,
    "logfire": _probability,
    "jaeger": _jaeger,
    "opentracing": _wish,
}


def key_of(one: Disagreement) -> str:
    return f"{DIFFERING} {one.chosen} {one.other}"


def remark(key: str, where: str, spans: int) -> tuple[str, str]:
    """(kind, text) of spans of a file on which two systems differ."""
    chosen, other = (STATED_BY[system] for system in key.split(" ")[1:])
    states = f"state{'s' * (spans == 1)}"
    said = f"{where} {states} one adjusted count by {chosen}, which counts, and another by {other}"
    return "warning", f"{said}: take the attribute away that is not so"
