"""How providers, gateways and bills write a model's name, as SQL LIKE patterns (lower case, escaped with a backslash).

Of the patterns that fit a name, an exact one stands before any other, then the longest: `gpt-4o-20__%` never takes
`gpt-4o-mini-2024-07-18`, because a model of that name has a longer pattern. `_` stands for any one character, so
`claude_opus_4_8` is "Claude Opus 4.8" of the Console, `claude-opus-4-8` of the API and `claude-opus-4.8` of a router.
"""

import re

from genai_prices import types as book

ESCAPE = str.maketrans({"%": "\\%", "_": "\\_", "\\": "\\\\"})
DATED = re.compile(r"[-@]20\d{2}-?\d{2}-?\d{2}$")
# Book texts whose meaning LIKE can't say: a TTS model of the same beginning has its own, longer name where it has one.
NOT_SPEECH = "^(?!.*-[tT][tT][sS](?:$|-))"
# Whose names already have a vendor before a slash.
ROUTERS = ("openrouter", "huggingface")
FREE = "openrouter/free"
# Fine-tuned models that the book lacks; their prices are rows of other sources in model_prices.
FINE_TUNED = {
    f"{path}ft:{base}-20__%": f"ft:{base}"
    for base in ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "o4-mini")
    for path in ("", "%/")
}
# Likewise Cohere's rerankers, which bill searches.
RERANKERS = {
    f"{path}{model}": model
    for model in (
        "rerank-english-v3.0",
        "rerank-multilingual-v3.0",
        "rerank-v3.5",
        "rerank-v4.0-fast",
        "rerank-v4.0-pro",
    )
    for path in ("", "%/")
}


def of_regex(regex: str) -> list[str]:
    """LIKE patterns that fit what a regular expression of the book fits; none where it says more than LIKE can."""
    optional = re.search(r"\(([^()]*)\)\?", regex)
    if optional:
        start, end = optional.span()
        return of_regex(regex[:start] + regex[end:]) + of_regex(regex[:start] + optional[1] + regex[end:])
    if not regex.startswith("^"):
        return []
    text = (
        regex[1:].replace("\\d{4}-\\d{2}-\\d{2}", "20\x01\x01-\x01\x01-\x01\x01").replace("\\d{8}", "20" + "\x01" * 6)
    )
    text = text.replace("[-@]", "\x01").replace("\\.", ".").replace("\\[", "[").replace("\\]", "]")
    tails = [f"{digit}%" for digit in range(10)] if text.endswith("\\d") else [""]
    text = text.removesuffix("\\d")
    if text.endswith("$"):
        text = text[:-1]
    elif tails == [""]:
        tails = ["%"]
    if re.search(r"[\\()|*+?{}^$]", text):
        return []
    return [text.translate(ESCAPE).replace("\x01", "_") + tail for tail in tails]


def of_clause(match, dropped) -> list[str]:
    """LIKE patterns of the book's match clause; what they leave out is told to `dropped(reason)`."""
    match match:
        case book.ClauseEquals():
            return [match.equals.translate(ESCAPE)]
        case book.ClauseStartsWith():
            return [match.starts_with.translate(ESCAPE) + "%"]
        case book.ClauseEndsWith():
            return ["%" + match.ends_with.translate(ESCAPE)]
        case book.ClauseContains():
            return ["%" + match.contains.translate(ESCAPE) + "%"]
        case book.ClauseOr():
            return [pattern for clause in match.or_ for pattern in of_clause(clause, dropped)]
        case book.ClauseAnd():
            said = [clause for clause in match.and_ if getattr(clause, "regex", "") != NOT_SPEECH]
            if len(said) == 1 and len(match.and_) == 2:
                dropped("names ending in -tts that the book leaves out of a prefix, and names nowhere")
                return of_clause(said[0], dropped)
            dropped("match clauses that join conditions LIKE can't join")
            return []
    patterns = of_regex(match.regex)
    if not patterns:
        dropped("regular expressions without a LIKE form")
    return patterns


def claude_parts(core: str) -> tuple[str, str] | None:
    """("haiku", "4_5") of claude-haiku-4-5, claude-3-5-haiku-latest and the like."""
    vendor, *parts = core.removesuffix("-latest").split("-")
    family = [part for part in parts if part.isalpha()]
    version = [part for part in parts if re.fullmatch(r"\d{1,2}", part)]
    if vendor != "claude" or len(family) != 1 or not version or len(parts) != 1 + len(version):
        return None
    return family[0], "_".join(version[:-1] if version[-1] == "0" else version)


def claude_names(core: str) -> list[str]:
    """claude-haiku-4-5 is sold as Claude Haiku 4.5, claude-3-opus was as Claude 3 Opus: both orders, any separator."""
    parts = claude_parts(core)
    return [f"claude_{parts[0]}_{parts[1]}", f"claude_{parts[1]}_{parts[0]}"] if parts else []


def in_text(name: str) -> list[str]:
    """A name inside a SKU's or meter's text: a delimiter follows, or `gpt 5` would be found in `gpt 5.9`."""
    texts = [f"%{name}", f"%{name} %", f"%{name}-%"]
    # What follows "claude-opus-4-" is a minor version.
    return texts[:2] if re.fullmatch(r"claude_(\w+_)?\d", name) else texts


def bedrock_names(model: str) -> list[str]:
    """Usage types write a model as Claude4.6Opus, NovaLite or Llama3-1-70B; ids carry region, vendor and version."""
    vendor, _, name = re.sub(r"(-v\d+)?(:\d+)?$", "", re.sub(r"^(global|regional)\.", "", model)).partition(".")
    if vendor != "anthropic":
        name = name.replace("-instruct", "")
        return sorted({f"%{name.replace('-', '_')}%", f"%{name.replace('-', '')}%"}) if len(name) > 6 else []
    core = DATED.sub("", name)
    parts = claude_parts(core)
    if not parts:
        return []
    family, number = parts
    # claude-opus-4-20250514 begins like claude-opus-4-1: only its date tells the two ids apart.
    ids = [f"%anthropic.{name}%", *([f"%anthropic.{core}%"] if "_" in number else [])]
    compact = [f"%claude{number}{family}%", f"%claude{family}{number}-%"]
    spoken = [text for form in claude_names(core) for text in in_text(form)]
    if "-v2:" in model:
        return [ids[0], f"%claude{number}{family}v2%", f"%claude_{number}_{family}_v2%"]
    return [*ids, *compact, *spoken]


def spoken_names(provider: str, model: str, exact: list[str]) -> list[str]:
    """Patterns of how else a model is written where a provider bills for it, beside what the book says."""
    plain = model.lower().replace("-", "_")
    has_name = "-" in model and any(sign.isdigit() for sign in model) and ":" not in model
    if provider == "anthropic":
        return [text for form in claude_names(model) for text in (form, f"{form}_20__%")]
    if provider == "aws":
        texts = bedrock_names(model)
        # Usage types say global for requests that any region may serve; what says nothing is served in its region.
        return (
            [part for text in texts for part in (f"{text}global%", f"%global{text}")] if "global." in model else texts
        )
    if provider == "google" and has_name:
        forms = claude_names(model) if model.startswith("claude") else [plain, plain.removesuffix("_preview")]
        return [text for form in forms for text in in_text(form)]
    if provider == "azure" and has_name:
        # Meters shorten a date to month and day: gpt 4o 1120.
        days = [re.sub(r"-20\d{2}-(\d{2})-(\d{2})$", r"_\1\2", name) for name in exact if DATED.search(name)]
        forms = claude_names(model) or [DATED.sub("", plain), *(day.replace("-", "_") for day in days)]
        return [text for form in forms for text in in_text(form)]
    return []


def written(provider: str, model: str, patterns: list[str]) -> list[str]:
    """All patterns of a model beside the book's own: spoken names, dates behind the name, a gateway's prefix."""
    exact = [pattern for pattern in patterns if "%" not in pattern and "_" not in pattern]
    found = spoken_names(provider, model, exact)
    undated = [name for name in exact if not DATED.search(name) and ":" not in name]
    if provider == "openrouter":
        # Variants (:nitro, :online, :thinking) cost what their model costs, but :free, which has four letters.
        found += [f"{name}{tail}" for name in undated for tail in (":_____%", "-20______", "-20__-__-__")]
        return found + [f"openrouter/{name}" for name in exact]
    found += [f"{name}-20__%" for name in undated]
    if provider == "google":
        found += [f"{name}@20__%" for name in undated]
    if not provider.startswith(ROUTERS):
        # LiteLLM writes openai/gpt-5, Vertex publishers/google/models/gemini-2.5-pro.
        found += [
            f"%/{pattern}" for pattern in [*patterns, *(f"{name}-20__%" for name in undated)] if pattern[0] != "%"
        ]
    return found
