"""The page that a browser shows: files of this package, read once. Knows nothing about tasks."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import Response

from trimtab.serving.problems import Problem

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def page_router() -> APIRouter:
    """The routes."""
    router = APIRouter(include_in_schema=False)
    read = {
        file.name: file.read_bytes()
        for file in files("trimtab.serving").joinpath("page").iterdir()
        if any(file.name.endswith(ending) for ending in _TYPES)
    }

    def answer(name: str) -> Response:
        ending = name[name.rfind(".") :]
        return Response(read[name], headers={"cache-control": "no-cache"}, media_type=_TYPES[ending])

    @router.get("/")
    async def first() -> Response:
        return answer("index.html")

    @router.get("/page/{name}")
    async def file(name: str) -> Response:
        if name not in read:
            raise Problem(404, "There is no such file.", code="not_found")
        return answer(name)

    return router
