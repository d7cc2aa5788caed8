"""The ledger's rules from spans to shares of calls, in plain Python: what the models must agree with on any forest.

Written from the accounting model, one trace and one call at a time; slow and short. Spans are `Span`s, a company is
owners of features and services, catalog rules from service to feature, and chargeback policies.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

REUSE_SECONDS = 600  # so long after its last report, a response id is another request's

# What the ledger counts weights in: fan-ins that occur divide it, and a chain of others is rounded to it.
WEIGHT_OF_ALL = 2**14 * 3**4 * 5**3 * 7**2 * 11 * 13 * 17 * 19 * 23 * 29 * 31


@dataclass
class Span:
    trace: int
    number: int
    parent: int | None = None
    at: float = 0
    ended: bool = True
    operation: str | None = None
    tokens: tuple[int, int] | None = None  # all input, all output
    model: str | None = None
    response: str | None = None
    feature: str | None = None
    team: str | None = None
    service: str | None = None
    user: str | None = None
    tenant: str | None = None
    links: list[tuple[int, int]] = field(default_factory=list)
    says: int = 0  # how much the copy knows
    session: str | None = None

    @property
    def key(self) -> tuple[int, int]:
        return self.trace, self.number

    @property
    def call_id(self) -> str:
        return f"{self.trace:032x}:{self.number:016x}"

    @property
    def is_billable(self) -> bool:
        return self.operation == "chat" or self.is_unknown

    @property
    def is_unknown(self) -> bool:
        return self.operation == "summon" and self.model is not None and self.tokens is not None


class Company(NamedTuple):
    features: dict[str, str]
    services: dict[str, str]
    rules: dict[str, str]
    policies: dict[tuple[str, str], tuple[str, dict[str, float]]]  # (scope, id): policy, bearers of a split


class Chain(NamedTuple):
    """A way from a call up to where it was asked for: spans from the top down, across traces, and its weight."""

    spans: tuple[Span, ...]
    links: tuple[int, ...]  # indexes of spans whose parent is a link
    weight: Fraction


class Call(NamedTuple):
    call_id: str
    span: Span
    tokens: tuple[int, int]
    is_residual: bool
    parts: dict[tuple, int]  # of WEIGHT_OF_ALL, by (feature, path, tenant, user, serving, who would bear it by origin)
    bearers: dict[tuple, dict[str, float]]  # weights by part
    origins: list[dict]

    def spread(self, whole: Decimal) -> list[tuple[tuple, str, Decimal]]:
        """An amount by part and bearer, who may bear of several: what each origin caused, of that what each bears."""
        return [
            (part, bearer, amount)
            for part, caused in _parted(whole, self.parts, WEIGHT_OF_ALL).items()
            for bearer, amount in _parted(caused, self.bearers[part]).items()
        ]

    @property
    def shares(self) -> dict[tuple, Decimal]:
        """By (feature, bearer, tenant, user)."""
        shares = defaultdict(Decimal)
        for (feature, _, tenant, user, *_), bearer, share in self.spread(Decimal(1)):
            shares[feature, bearer, tenant or None, user or None] += share
        return dict(shares)

    def transfers(self, whole: Decimal) -> dict[tuple[str, str], Decimal]:
        """Who owes whom: from the bearer's last place on the path, or before it, by each hop to the payer."""
        owed, payer = defaultdict(Decimal), self.origins[0]["payer"]
        for (_, path, *_), bearer, amount in self.spread(whole):
            teams = path.split(" > ") if path else []
            while bearer in teams[1:]:
                teams.pop(0)
            chain = teams if teams[:1] == [bearer] else [bearer, *teams]
            chain = chain if chain[-1] == payer else [*chain, payer]
            for caller, callee in pairwise(chain) if bearer != payer else []:
                owed[caller, callee] += amount
        return dict(owed)


class Forest:
    def __init__(self, spans: list[Span], company: Company, link_levels: int):
        self.company, self.link_levels = company, link_levels
        self.spans: dict[tuple[int, int], Span] = {}
        for span in spans:  # of copies the one that ended stands, then the most complete
            kept = self.spans.get(span.key)
            if kept is None or (span.ended, span.says) > (kept.ended, kept.says):
                self.spans[span.key] = span
        self.parents = {key: self._parent(span) for key, span in self.spans.items()}
        for key in [key for key in self.spans if self._hangs_on_a_ring(key)]:
            parent = self.parents[key]
            if self.spans[parent].at >= self.spans[key].at:
                self.parents[key] = None
        self.children = defaultdict(list)
        for key, parent in self.parents.items():
            self.children[parent].append(key)
        self.causes = self._causes()
        roots = [span for key, span in self.spans.items() if self.parents[key] is None]
        self.link_ends = {end for root in roots for end in root.links if end in self.spans and end != root.key}

    # --- the graph

    def _parent(self, span: Span) -> tuple[int, int] | None:
        key = (span.trace, span.parent)
        return key if key in self.spans else None

    def _hangs_on_a_ring(self, key) -> bool:
        seen = set()
        while key is not None and key not in seen:
            seen.add(key)
            key = self.parents[key]
        return key is not None

    def path(self, key) -> list[Span]:
        """From the root of the trace down to the span."""
        path = []
        while key is not None:
            path.append(self.spans[key])
            key = self.parents[key]
        return path[::-1]

    def root(self, key) -> tuple[int, int]:
        return self.path(key)[0].key

    def beneath(self, key) -> list[tuple[int, int]]:
        found, todo = [], list(self.children[key])
        while todo:
            child = todo.pop()
            found.append(child)
            todo += self.children[child]
        return found

    def _causes(self) -> dict[tuple, list[tuple]]:
        causes = {}
        for key, span in self.spans.items():
            if self.parents[key] is None:
                ends = {end for end in span.links if end in self.spans and self.root(end) != key}
                if ends:
                    causes[key] = sorted(ends)
        ends = [(root, end) for root, ends in causes.items() for end in ends]
        late = [(root, end) for root, end in ends if self.spans[self.root(end)].at >= self.spans[root].at]
        rings = [(root, end) for root, end in late if self._goes_back(causes, end, root)]
        for root, end in rings:
            causes[root] = [other for other in causes[root] if other != end]
        return {root: ends for root, ends in causes.items() if ends}

    def _goes_back(self, causes, end, root) -> bool:
        seen, todo = set(), [self.root(end)]
        while todo:
            here = todo.pop()
            if here == root:
                return True
            if here not in seen:
                seen.add(here)
                todo += [self.root(other) for other in causes.get(here, [])]
        return False

    def chains(self, key, level: int = 0) -> list[Chain]:
        path = tuple(self.path(key))
        ends = self.causes.get(path[0].key, [])
        if not ends or level == self.link_levels:
            return [Chain(path, (), Fraction(1))]
        found = []
        for end in ends:
            for above in self.chains(end, level + 1):
                joints = (*above.links, len(above.spans))
                found.append(Chain((*above.spans, *path), joints, above.weight / len(ends)))
        return found

    # --- from spans to calls

    def calls(self) -> list[Call]:
        billable = [span for span in self.spans.values() if span.is_billable]
        self.claiming = self._claiming(billable)
        # An unknown operation that claims nothing may report a request that a span beneath it reports too.
        reporting = {span.key for span in billable if span.is_unknown and span.key not in self.claiming}
        outer = {span.key: next((above.key for above in self.path(span.key)[-2::-1]
                                 if above.operation == "chat" or above.key in reporting), None)
                 for span in billable}  # fmt: skip
        plain = [span for span in billable if span.key not in self.claiming]
        wrappers = self.claiming | {
            span.key for span in plain if span.response is None and self._is_wrapper(span, plain, outer)
        }
        names = self._names([span for span in billable if span.key not in wrappers], outer)
        grouped = defaultdict(list)
        for span in billable:
            if span.key not in wrappers:
                grouped[names[span.key]].append(span)
        reported, services = [], {}
        for call_id, spans in grouped.items():
            depth = {span.key: len(self.path(span.key)) for span in spans}
            place = min(spans, key=lambda s: (not self._is_labelled(s), s.response is None, -depth[s.key], s.at))
            wire = min(spans, key=lambda s: (s.tokens is None, s.response is None, -depth[s.key]))
            reported.append((call_id, place, wire.tokens or (0, 0), False))
            spans.sort(
                key=lambda s: (s.key != place.key, not self._is_labelled(s), s.response is None, -depth[s.key], s.at)
            )
            services[call_id] = next((span.service for span in spans if span.service), None)
        return [Call(*call, *self._borne(call[1], services.get(call[0], call[1].service)))
                for call in reported + self._residuals(reported)]  # fmt: skip

    def _claiming(self, billable) -> set:
        """Of unknown operations, those that state what is beneath them: no report of one request with one id."""
        beneath = defaultdict(list)
        for span in billable:
            nearest = next((above.key for above in self.path(span.key)[-2::-1] if above.is_unknown), None)
            beneath[nearest].append(span)
        return {
            key for key, members in beneath.items() if key and any(
                span.key in beneath or span.response is None or span.response != self.spans[key].response
                for span in members
            )
        }  # fmt: skip

    def _is_labelled(self, span: Span) -> bool:
        return any(above.feature for above in self.path(span.key))

    def _is_wrapper(self, span: Span, billable, outer) -> bool:
        beneath = [other for other in billable if outer[other.key] == span.key]
        if span.tokens is None:
            return len(beneath) >= 1
        if len(beneath) >= 2 and _total(beneath) == span.tokens:
            return True
        parent = self.parents[span.key]
        siblings = [other for other in billable if parent is not None and self.parents[other.key] == parent]
        return len(siblings) >= 3 and _total(siblings) == (2 * span.tokens[0], 2 * span.tokens[1])

    def _names(self, spans, outer) -> dict[tuple, str]:
        """Call id of each span: nested spans that report the same request share one."""
        inner, answers = {}, self._answers(spans, outer)
        known = {span.key: span for span in spans}
        for span in sorted(spans, key=lambda s: s.at):
            above = known.get(outer[span.key])
            is_same = above and span.tokens and span.tokens == above.tokens and span.model == above.model
            if is_same and None in (span.response, above.response) and above.key not in inner:
                inner[above.key] = span.key
        names = {}
        for span in spans:
            if span.key in inner.values():
                continue
            chain = [span.key]
            while chain[-1] in inner:
                chain.append(inner[chain[-1]])
            ids = [answers[key] for key in chain if key in answers]
            shared = min(ids) if ids else min(known[key].call_id for key in chain)
            names |= {key: answers.get(key, shared) for key in chain}
        return names

    def _answers(self, spans, outer) -> dict[tuple, str]:
        """Call id of each span with a response id: the id for the first request that was answered by it."""
        answers, carriers = {}, defaultdict(dict)
        for span in spans:
            if span.response:
                carriers[span.response][span.key] = span
        for response, members in carriers.items():
            requests = defaultdict(list)
            for key, span in members.items():
                above = [key]
                while above[-1] is not None:
                    above.append(outer[above[-1]])
                requests[[one for one in above if one in members][-1]].append(span)
            # The head of a request stands first among its reports.
            reports = [sorted(each, key=lambda s: s.key != head) for head, each in requests.items()]
            uses = [use for stretch in _stretches(reports) for use in _uses(stretch)]
            uses.sort(key=lambda use: (all(s.tokens is None for s in use), _time(use)[0], min(s.call_id for s in use)))
            for place, use in enumerate(uses):
                name = min(s.call_id for s in use) if place else response
                answers |= {span.key: name for span in use}
        return answers

    def _residuals(self, reported) -> list[tuple]:
        tokens = {place.key: tokens for _, place, tokens, _ in reported}
        claims = [span for span in self.spans.values() if span.tokens and
                  (not span.is_billable or (span.is_unknown and self.children[span.key]))]  # fmt: skip
        claimed = {claim.key for claim in claims}
        nearest = {key: next((above.key for above in self.path(key)[-2::-1] if above.key in claimed), None)
                   for key in [*tokens, *claimed]}  # fmt: skip
        called = {claim.key: [key for key in self.beneath(claim.key) if key in tokens] for claim in claims}
        found = []
        for claim in claims:
            if not called[claim.key] or (claim.is_unknown and claim.key not in self.claiming):
                continue
            own = [tokens[key] for key in called[claim.key] if nearest[key] == claim.key]
            for other in claims:
                if nearest[other.key] == claim.key and called[other.key]:
                    sums = _sum(tokens[key] for key in called[other.key])
                    own.append((max(other.tokens[0], sums[0]), max(other.tokens[1], sums[1])))
            explained = _sum(own)
            rest = (claim.tokens[0] - explained[0], claim.tokens[1] - explained[1])
            if min(rest) >= 0 and sum(rest) > 0 and not self._is_explained(claim, rest, reported):
                found.append((claim.call_id, claim, rest, True))
        return found

    def _is_explained(self, claim: Span, rest, reported) -> bool:
        parent = self.parents[claim.key]
        sessions = {span.trace for span in self.spans.values() if claim.session and span.session == claim.session}
        of_trace = [(place, tokens) for _, place, tokens, _ in reported if place.trace == claim.trace]
        talked = [(place, tokens) for _, place, tokens, _ in reported if place.trace in {claim.trace, *sessions}]
        siblings = [tokens for place, tokens in of_trace if parent is not None and self.parents[place.key] == parent]
        before = [tokens for place, tokens in of_trace if place.at < claim.at]
        earlier = [tokens for place, tokens in talked if place.at < claim.at]
        whole = [tokens for _, tokens in of_trace]
        return (
            any(calls and _sum(calls) == rest for calls in (siblings, before, earlier)) or _sum(whole) == claim.tokens
        )

    # --- who caused it, who bears it

    def owner(self, span: Span) -> str | None:
        company = self.company
        return span.team or company.features.get(span.feature) or company.services.get(span.service)

    def bearers(self, feature: str | None, service: str | None, team: str, path: list[str]) -> dict[str, float]:
        """Weights by the narrowest policy; unlabelled money stays with its payer."""
        scopes = [("feature", feature), ("service", service), ("team", team), ("default", "")] if feature else []
        found = (self.company.policies[scope] for scope in scopes if scope in self.company.policies)
        policy, bearers = next(found, ("origin_pays", {}))
        if policy == "caller_pays":
            return {path[-2] if len(path) > 1 else team: 1}
        if policy == "owner_pays":
            return {path[-1] if path else team: 1}
        return bearers or {team: 1}

    def _rule(self, services: set[str | None]) -> str | None:
        return next((name for service, name in self.company.rules.items() if service in services), None)

    def _ruled_requests(self, chain: Chain) -> list[tuple[int, str]]:
        """(where it begins, the rule's feature) of each request above the call's own trace that a rule fits."""
        found = []
        for begin, end in pairwise([0, *chain.links]):
            root, cause = chain.spans[begin], chain.spans[end - 1]
            beneath = [self.spans[key] for key in [root.key, *self.beneath(root.key)]]
            asking = [one.service for one in beneath if (one.is_billable or one.tokens or one.key in self.link_ends)
                      and not any(above.feature for above in self.path(one.key))]  # fmt: skip
            if feature := self._rule({root.service, cause.service, *asking}):
                found.append((begin, feature))
        return found

    def _borne(self, span: Span, service: str | None) -> tuple[dict, dict, list[dict]]:
        parts, bearers, origins = defaultdict(Fraction), {}, []
        own = self.path(span.key)
        payer = next((team for team in map(self.owner, own[::-1]) if team), "unattributed")
        for chain in self.chains(span.key):
            labelled = [index for index, above in enumerate(chain.spans) if above.feature]
            begin = labelled[0] if labelled else 0
            # Of what nobody labels, the rule of the outermost request counts that a rule fits.
            requests = [] if labelled else self._ruled_requests(chain)
            begin = requests[0][0] if requests else begin
            in_own_trace = begin >= len(chain.spans) - len(own)
            # Without a label above, what stands in the call's own trace begins at its own label.
            path = []
            for above in chain.spans[begin:]:
                team = self.owner(above)
                if team and path[-1:] != [team]:
                    path.append(team)
            feature = chain.spans[begin].feature if labelled else None
            rule = "none"
            if labelled:
                rule = "link" if not in_own_trace else "span_tag" if begin == len(chain.spans) - 1 else "ancestor_tag"
            serving = chain.spans[labelled[-1]].feature if labelled else None
            ruled = None
            if not labelled:
                nearest_rule = self._rule({service, own[0].service}) or (requests[-1][1] if requests else None)
                ruled = requests[0][1] if requests else nearest_rule
                feature, serving, rule = ruled, nearest_rule, "catalog_rule" if ruled else rule
            if feature is None:
                bearer = payer
            elif ruled:
                bearer = self.company.features.get(feature) or (path[0] if path else payer)
            else:
                bearer = path[0] if path else self.company.features.get(feature) or payer
            nearest = {name: next((value for above in chain.spans[::-1] if (value := getattr(above, name))), None)
                       for name in ("tenant", "user")}  # fmt: skip
            weights = self.bearers(feature, service, bearer, path)
            feature, serving = feature or "unlabelled", serving or "unlabelled"
            part = (feature, " > ".join(path), nearest["tenant"] or "", nearest["user"] or "", serving, bearer)
            bearers[part] = weights
            # Several chains of one origin are one part, whose weight is added up before anything is split.
            parts[part] += chain.weight
            hops = len(chain.spans) - 1 - begin if labelled or requests else len(own) - 1
            origins.append({"originating": feature, "serving": serving, "rule": rule, "hops": hops,
                            "path": " > ".join(path), "payer": payer, **nearest})  # fmt: skip
        return {part: int(weight * WEIGHT_OF_ALL + Fraction(1, 2)) for part, weight in parts.items()}, bearers, origins


def _parted(whole: Decimal, weights: dict, total: int | None = None) -> dict:
    """At scale 12: each part cut off, the rest to the largest, ties by name."""
    total = total or sum(map(Fraction, weights.values()))
    parts = {part: Decimal(int(Fraction(whole) * Fraction(weight) / total * 10**12)).scaleb(-12)
             for part, weight in weights.items()}  # fmt: skip
    parts[min(weights, key=lambda part: (-weights[part], part))] += whole - sum(parts.values())
    return parts


def _sum(pairs) -> tuple[int, int]:
    pairs = list(pairs)
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _total(spans) -> tuple[int, int]:
    return _sum(span.tokens or (0, 0) for span in spans)


def _time(spans) -> tuple[int, int]:
    """When reports of a second each begin and end, in microseconds."""
    begins = [int(span.at * 10**6) for span in spans]
    return min(begins), max(begins) + 10**6


def _gap(one, other) -> int:
    return max(_time(one)[0], _time(other)[0]) - min(_time(one)[1], _time(other)[1])


def _stretches(reports: list[list[Span]]) -> list[list[list[Span]]]:
    """Reports with no longer silence between them than a response id's reuse takes."""
    stretches, end = [], None
    for report in sorted(reports, key=_time):
        begin, until = _time(report)
        if end is None or begin > end + REUSE_SECONDS * 10**6:
            stretches.append([])
        stretches[-1].append(report)
        end = max(end or until, until)
    return stretches


def _uses(requests: list[list[Span]]) -> list[list[Span]]:
    """Spans by the request that they report: whoever reports most requests of an id tells them apart."""
    numbers = defaultdict(dict)  # by service: of each request it reports, which of its own that is
    for service in {span.service or "" for request in requests for span in request}:
        own = [[span for span in request if (span.service or "") == service] for request in requests]
        end = None
        for place in sorted((place for place, report in enumerate(own) if report), key=lambda place: _time(own[place])):
            begin, until = _time(own[place])
            last = max(numbers[service].values(), default=0)
            numbers[service][place] = last + (end is not None and begin >= end)
            end = max(end or until, until)
    leader = min(numbers, key=lambda service: (
        -max(numbers[service].values()), min(_time([s for s in requests[place] if (s.service or "") == service])
                                             for place in numbers[service]), service))  # fmt: skip
    uses = defaultdict(list)
    for place, number in numbers[leader].items():
        uses[number] += requests[place]
    times = {number: [s for s in use if (s.service or "") == leader] for number, use in uses.items()}
    others = defaultdict(list)
    for place, request in enumerate(requests):
        if place not in numbers[leader]:
            service = request[0].service or ""
            others[service, numbers[service][place]].append(place)

    def reported(other):
        return [s for place in others[other] for s in requests[place] if (s.service or "") == other[0]]

    def nearness(other, number):
        here, there = _time(reported(other)), _time(times[number])
        return max(_gap(reported(other), times[number]), 0), abs(here[0] - there[0]) + abs(here[1] - there[1]), number

    nearest = {other: min(nearness(other, number) for number in times) for other in others}
    taken, rest = set(), []
    for other in sorted(others, key=lambda other: (nearest[other][:2], other)):
        gap, _, number = nearest[other]
        if gap <= REUSE_SECONDS * 10**6 and (other[0], number) not in taken:
            taken.add((other[0], number))
            for place in others[other]:
                uses[number] += requests[place]
        else:
            rest.append(other)
    found = list(uses.values())
    for stretch in _stretches([reported(other) for other in rest]):
        together, seen = defaultdict(list), defaultdict(int)
        for report in stretch:
            service = report[0].service or ""
            [other] = [other for other in rest if report[0] in reported(other)]
            together[seen[service]] += [span for place in others[other] for span in requests[place]]
            seen[service] += 1
        found += together.values()
    return found
