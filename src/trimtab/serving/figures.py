"""Figures of a server as Prometheus reads them; called as vLLM's where they mean the same. Knows nothing about HTTP."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from trimtab.inference.tickets import Answered, CancelledError, Failed, LateError, Ticket
from trimtab.serving.served import Serving

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TOKENS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_BACKBONE = ["model_name"]


class Figures:
    """Counts and times, by backbone.

    Args:
        serving: whose.
    """

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._registry = registry = CollectorRegistry()

        def counter(name: str, text: str, labels: list[str] = _BACKBONE) -> Counter:
            return Counter(f"trimtab:{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
            return Histogram(f"trimtab:{name}", text, _BACKBONE, registry=registry, buckets=buckets)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"trimtab:{name}", text, _BACKBONE, registry=registry)

        self._running = gauge("num_requests_running", "Rows whose text is being said.")
        self._waiting = gauge("num_requests_waiting", "Rows that nothing has been done for yet.")
        self._tasks = gauge("num_tasks", "Tasks that are answered for.")
        self._prompt_bytes = gauge("prompt_bytes", "Bytes of prompts that were read and are kept.")
        self._ended = counter("request_success", "Rows that came to an end.", [*_BACKBONE, "finished_reason"])
        self._prompt_tokens = counter("prompt_tokens", "Tokens of prompts and rows.")
        self._said_tokens = counter("generation_tokens", "Tokens said.")
        self._queries = counter("prefix_cache_queries", "Tokens of prompts and rows that were asked with.")
        self._hits = counter("prefix_cache_hits", "Those of them, of prompts, that had been read before.")
        self._first = histogram("time_to_first_token_seconds", "From asking to the first token, or the answer.")
        self._between = histogram("inter_token_latency_seconds", "Mean time between two tokens of an answer.")
        self._all = histogram("e2e_request_latency_seconds", "From asking to the end.")
        self._queue = histogram("request_queue_time_seconds", "From asking until a row was begun with.")
        self._work = histogram("request_inference_time_seconds", "From there to its end.")
        self._row_tokens = histogram("request_prompt_tokens", "Tokens of a prompt and row.", _TOKENS)
        self._answer_tokens = histogram("request_generation_tokens", "Tokens said in answer to a row.", _TOKENS)
        self._http = counter("http_requests", "Requests answered.", ["method", "path", "status"])

    def request(self, method: str, path: str, status: int) -> None:
        """An HTTP request was answered; `path` is the pattern that it fits."""
        self._http.labels(method, path, str(status)).inc()

    def ended(self, backbone: str, ticket: Ticket) -> None:
        """A row has come to its end."""
        self._ended.labels(backbone, _reason(ticket)).inc()
        if ticket.begun is None or ticket.ended is None:
            return
        self._prompt_tokens.labels(backbone).inc(ticket.prompt_tokens)
        self._queries.labels(backbone).inc(ticket.prompt_tokens)
        self._hits.labels(backbone).inc(ticket.cached_tokens)
        self._row_tokens.labels(backbone).observe(ticket.prompt_tokens)
        self._queue.labels(backbone).observe(ticket.begun - ticket.submitted)
        self._work.labels(backbone).observe(ticket.ended - ticket.begun)
        self._all.labels(backbone).observe(ticket.ended - ticket.submitted)
        if ticket.first is not None:
            self._first.labels(backbone).observe(ticket.first - ticket.submitted)
        if ticket.answer_tokens:
            self._said_tokens.labels(backbone).inc(ticket.answer_tokens)
            self._answer_tokens.labels(backbone).observe(ticket.answer_tokens)
        if ticket.first is not None and ticket.answer_tokens > 1:
            self._between.labels(backbone).observe((ticket.ended - ticket.first) / (ticket.answer_tokens - 1))

    def written(self) -> bytes:
        """All of them as they are now, in Prometheus' text format."""
        for host in self._serving.hosts:
            self._running.labels(host.name).set(host.worker.scheduler.running)
            self._waiting.labels(host.name).set(host.worker.scheduler.waiting)
            self._prompt_bytes.labels(host.name).set(host.engine.prompts.bytes)
            self._tasks.labels(host.name).set(sum(task.host is host for task in self._serving.tasks.values()))
        return generate_latest(self._registry)


def _reason(ticket: Ticket) -> str:
    """How a row came to its end, in vLLM's words."""
    match ticket.end:
        case Answered(prediction=said):
            texts = getattr(said, "texts", ())  # of free text
            return "length" if any(text.ended == "length" for text in texts) else "stop"
        case Failed(error=CancelledError()):
            return "abort"
        case Failed(error=LateError()):
            return "deadline"
        case _:
            return "error"
