"""All routes put together as one ASGI application. Knows nothing about sockets or files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from trimtab.errors import TrimtabError
from trimtab.serving.figures import Figures
from trimtab.serving.gate import Flow, Gate
from trimtab.serving.keys import Keyring
from trimtab.serving.openai.completions import completions_router
from trimtab.serving.openai.models import models_router
from trimtab.serving.pages import page_router
from trimtab.serving.problems import Problem, invalid, problem_of
from trimtab.serving.served import FixedTaskError, Serving, UnknownTaskError
from trimtab.serving.store import Store
from trimtab.serving.tasks_api import answers_router, tasks_router


@dataclass(frozen=True)
class Made:
    """An application, and what goes on in it."""

    app: Gate
    flow: Flow

    def stop(self) -> None:
        """Take nothing new, and stop once what was taken is answered."""
        self.flow.draining = True


def make_app(
    serving: Serving, *, store: Store | None = None, keyring: Keyring | None = None, texts: bool = False
) -> Made:
    """An application that answers for tasks.

    Args:
        serving: the tasks.
        store: where uploaded runs are kept; None refuses them.
        keyring: who may ask; None for everybody on this machine.
        texts: whether inputs and answers are logged.
    """
    figures, flow = Figures(serving), Flow()
    serving.listen(figures.ended)
    inner = FastAPI(title="Trimtab", docs_url=None, redoc_url=None, description="Runs answered for over HTTP.")

    @inner.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        """Whether rows are answered."""
        alive = all(host.worker.alive for host in serving.hosts)
        return PlainTextResponse("ok\n" if alive else "dead\n", 200 if alive else 503)

    @inner.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        """Whether more requests may come."""
        ready = bool(serving.hosts) and not flow.draining and all(host.worker.alive for host in serving.hosts)
        return PlainTextResponse("ready\n" if ready else "not ready\n", 200 if ready else 503)

    @inner.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(figures.written(), media_type="text/plain; version=0.0.4; charset=utf-8")

    inner.include_router(tasks_router(serving, store))
    inner.include_router(answers_router(serving, texts=texts))
    inner.include_router(models_router(serving, texts=texts))
    inner.include_router(completions_router(serving, texts=texts))
    inner.include_router(page_router())
    inner.add_exception_handler(RequestValidationError, _told(_of_form))
    inner.add_exception_handler(HTTPException, _told(_of_http))
    inner.add_exception_handler(Problem, _told(problem_of))
    inner.add_exception_handler(TrimtabError, _told(_of_trimtab))
    return Made(Gate(inner, serving.limits, figures, flow, keyring), flow)


def _told(
    problem: Callable[[Exception], Problem],
) -> Callable[[HttpRequest, Exception], Awaitable[JSONResponse]]:
    async def handler(_: HttpRequest, error: Exception) -> JSONResponse:
        return problem(error).response()

    return handler


def _of_form(error: Exception) -> Problem:
    return invalid(error.errors()) if isinstance(error, RequestValidationError) else problem_of(error)


def _of_trimtab(error: Exception) -> Problem:
    match error:
        case UnknownTaskError():
            return Problem(404, str(error), code="model_not_found", param="model")
        case FixedTaskError():
            return Problem(409, str(error), code="fixed")
        case _:
            return problem_of(error)


def _of_http(error: Exception) -> Problem:
    if not isinstance(error, HTTPException):
        return problem_of(error)
    messages = {404: "There is nothing at this address.", 405: "This address is not asked in this way."}
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 408: "slow_body", 400: "invalid_body"}
    return Problem(
        error.status_code, messages.get(error.status_code, str(error.detail)), code=codes.get(error.status_code)
    )
