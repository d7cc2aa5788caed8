"""What a company decides first, and how spans say it: printed by `make company` beneath the files that it wrote."""

from terminal import print

# Without these seeds no cost reaches a team. All others refine the result and can wait.
NEEDED = ("teams", "services", "feature_catalog", "api_keys")
# provider: (what its files call the account, and the key)
ACCOUNTS = {
    "openai": ("organization_id, org-...", "api_key_id, key_... (export grouped by key); else project_id"),
    "anthropic": ("none: leave it empty", "name or id of the API key (export grouped by key); else the workspace"),
    "openrouter": ("none: leave it empty", "name of the API key"),
    "aws": ("usage account, 12 digits", "ARN of the inference profile or provisioned model"),
    "azure": ("subscription id", "resource id of the deployment"),
    "google": ("project id", "resource name of the endpoint"),
    "any FOCUS file": ("SubAccountId, else BillingAccountId", "ResourceId of a profile, deployment or endpoint"),
    "charges.csv": ("column account_id", "column api_key"),
}
ATTRIBUTES = (
    (
        "the feature",
        "app.feature",
        "an id of feature_catalog, on the span where a request begins; all beneath inherit it",
    ),
    ("the team", "app.team", "an id of teams; optional, else the owner of the feature, then of the service"),
    ("the service", "service.name", "a service of services, as a resource attribute"),
    ("an evaluation", "app.purpose", "`evaluation` (or production, development); so does gen_ai.evaluation.run.id, or"),
    ("", "", "deployment.environment.name that begins with `eval`"),
)
PYTHON = """
from opentelemetry import trace
with trace.get_tracer("mail").start_as_current_span("POST /chat") as span:
    span.set_attribute("app.feature", "draft-email")
    span.set_attribute("app.team", "compose")
    answer(request)
"""
TYPESCRIPT = """
import { trace } from "@opentelemetry/api";
await trace.getTracer("mail").startActiveSpan("POST /chat", async (span) => {
  span.setAttributes({ "app.feature": "draft-email", "app.team": "compose" });
  try { await answer(request); } finally { span.end(); }
});
"""
COLLECTOR = """
processors:
  transform/ledger:   # and its name in service.pipelines.traces.processors
    trace_statements:
      - context: span
        statements: ['set(attributes["app.feature"], "draft-email") where attributes["http.route"] == "/chat"']
"""
CODE = {"Python": PYTHON, "TypeScript": TYPESCRIPT, "OpenTelemetry Collector, where code can't be changed": COLLECTOR}


def tell() -> None:
    print("\nAccounts and keys (seed api_keys) are what the bills call them:")
    for provider, (account, key) in ACCOUNTS.items():
        print(f"  {provider:15} account: {account:35} key: {key}")
    print("\nAttributes of spans that say whose a call is:")
    for meaning, attribute, words in ATTRIBUTES:
        print(f"  {meaning:15} {attribute:14} {words}")
    for language, code in CODE.items():
        print(f"\n{language}:\n")
        print("".join(f"    {line}\n" for line in code.strip().splitlines()), end="")
