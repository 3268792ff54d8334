"""What is answered where a request cannot be: OpenAI's error body, its status and headers. Knows no engine.

OpenAI's clients ask again after 408, 409, 429 and 5xx, and obey `retry-after-ms` and `x-should-retry`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse

from trimtab.errors import TrimtabError, visible
from trimtab.inference.tickets import CancelledError, LateError, QueueFullError
from trimtab.serving.logs import LOG

_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    405: "invalid_request_error", 408: "timeout_error", 409: "conflict_error", 413: "invalid_request_error",
    421: "invalid_request_error", 422: "invalid_request_error", 429: "rate_limit_error", 500: "server_error",
    503: "overloaded_error",
}  # fmt: skip
_LONGEST = 2000


class Problem(Exception):
    """A request that is not answered.

    Args:
        status: the HTTP status.
        message: what was found, what was expected and what to do.
        code: a word for programs.
        param: the part of the request that it is about.
        retry: seconds after which to ask again; None where that would change nothing.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.retry = status, code, param, retry
        shown = visible(message, but="\n")
        self.message = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]} ..."

    @property
    def body(self) -> dict[str, Any]:
        """OpenAI's error body."""
        kind = _TYPES.get(self.status, "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        """What says whether and when to ask again."""
        if self.retry is None:
            return {"x-should-retry": "false"}
        return {
            "x-should-retry": "true",
            "retry-after": str(max(1, math.ceil(self.retry))),
            "retry-after-ms": str(math.ceil(self.retry * 1000)),
        }

    def response(self) -> JSONResponse:
        """As an answer."""
        return JSONResponse(self.body, self.status, self.headers)


def problem_of(error: BaseException) -> Problem:
    """What is answered to an error: of a user's, what it says; of ours, that it is ours, and no more."""
    match error:
        case Problem():
            return error
        case QueueFullError():
            return Problem(429, str(error), code="queue_full", retry=1.0)
        case LateError():
            return Problem(408, str(error), code="deadline_exceeded")
        case CancelledError():
            return Problem(503, str(error), code="cancelled", retry=1.0)
        case TrimtabError():
            return Problem(400, str(error), code="invalid_value")
        case _:
            LOG.error("a row failed", exc_info=error)
            return Problem(500, "Something went wrong here; the server's log says what.", code="internal_error")


def invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What is answered to a body of another form than asked for; `errors` are pydantic's."""
    first = errors[0]
    path = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    name = ".".join(path)
    match first["type"]:
        case "json_invalid":
            reason = first.get("ctx", {}).get("error", "")
            return Problem(400, f"The body is not valid JSON: {reason}.", code="invalid_json")
        case "missing" if not name:
            return Problem(400, "The body is empty; expected JSON.", code="missing")
        case "missing":
            return Problem(400, f"'{name}' is missing.", code="missing", param=name)
        case "extra_forbidden":
            return Problem(
                400, f"'{name}' is nothing that this server obeys. Leave it out.", code="unknown_parameter", param=name
            )
        case "model_attributes_type" | "dict_type" if not name:
            message = "The body is no JSON object. Send one, with `content-type: application/json`."
            return Problem(400, message, code="invalid_type")
        case _:
            said = str(first["msg"]).removeprefix("Value error, ")
            return Problem(400, f"'{name}': {said}.".replace("..", "."), code="invalid_value", param=name or None)
