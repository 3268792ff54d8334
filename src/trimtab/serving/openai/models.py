"""`/v1/models` and `/v1/embeddings`, as OpenAI's clients ask them. Knows nothing about what is said."""

from __future__ import annotations

import asyncio
import base64

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse

from trimtab.inference.vectors import Embedder
from trimtab.serving.openai.forms import EmbeddingRequest
from trimtab.serving.problems import Problem
from trimtab.serving.served import Serving


def models_router(serving: Serving, *, texts: bool) -> APIRouter:
    """The routes; `texts` lets inputs be logged."""
    router = APIRouter(prefix="/v1")
    embedding = asyncio.Semaphore(1)

    def models() -> list[dict[str, object]]:
        own = [(task.name, task.since) for task in serving.tasks.values()]
        bare = [(host.name, host.talking.since if host.talking else 0) for host in serving.hosts]
        return [
            {"id": name, "object": "model", "created": since, "owned_by": "trimtab"} for name, since in [*own, *bare]
        ]

    @router.get("/models")
    async def list_models() -> JSONResponse:
        """Tasks and backbones."""
        return JSONResponse({"object": "list", "data": models()})

    @router.get("/models/{name}")
    async def show_model(name: str) -> JSONResponse:
        """One of them."""
        for one in models():
            if one["id"] == name:
                return JSONResponse(one)
        serving.completing(name)  # which says what there is
        raise Problem(404, f"No model '{name}' is served.", code="model_not_found", param="model")

    @router.post("/embeddings")
    async def embeddings(body: EmbeddingRequest, http: HttpRequest) -> JSONResponse:
        """The mean of the backbone's last hidden states over each text, of length one; of a task, its backbone's."""
        task = serving.tasks.get(body.model)
        host = task.host if task else next((host for host in serving.hosts if host.name == body.model), None)
        if host is None:
            serving.completing(body.model)  # which says what there is
            raise AssertionError("an unknown model is refused")
        if len(body.texts) > serving.limits.rows:
            raise Problem(400, f"'input' has more than {serving.limits.rows} texts.", code="too_many", param="input")
        if not all(body.texts):
            raise Problem(400, "'input' has an empty text.", code="invalid_value", param="input")
        http.state.facts.update(rows=len(body.texts), **({"inputs": body.texts} if texts else {}))
        pretrained = host.engine.pretrained
        async with embedding:  # one at a time: passes are as wide as they should be
            found = await asyncio.to_thread(lambda: list(Embedder(pretrained, normalise=True)(body.texts)))
        read = sum(len(ids) for ids in pretrained.tokenizer(body.texts, add_special_tokens=False)["input_ids"])
        data = [
            {
                "object": "embedding",
                "index": i,
                "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode()
                if body.encoding_format == "base64"
                else row.tolist(),
            }
            for i, row in enumerate(found)
        ]
        told = {"prompt_tokens": read, "total_tokens": read}
        return JSONResponse({"object": "list", "data": data, "model": body.model, "usage": told})

    return router
