"""What OpenAI's clients send, checked. Knows nothing about tasks or answers.

What would be answered otherwise than asked is refused by its name; what changes no answer (`user`, `store`) is taken
and not looked at.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from trimtab.data.dialogues import as_field, check_messages
from trimtab.data.messages import Message, Role
from trimtab.serving.problems import Problem

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=1000)
    user: JsonValue = None
    metadata: JsonValue = None
    store: JsonValue = None
    service_tier: JsonValue = None
    safety_identifier: JsonValue = None
    prompt_cache_key: JsonValue = None


class TextPart(BaseModel):
    """A part of a message; texts are all that is read."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One turn."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: str | None = None

    @property
    def text(self) -> str:
        """What is said."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """What a stream tells besides."""

    model_config = ConfigDict(extra="forbid")

    include_usage: bool = False
    include_obfuscation: bool = False


class JsonSchema(BaseModel):
    """A schema with its name."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str = ""
    description: str | None = None
    schema_: dict[str, JsonValue] = Field(alias="schema")
    strict: bool | None = None


class ResponseFormat(BaseModel):
    """What an answer must be like."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @property
    def wanted(self) -> dict[str, Any] | None:
        """The schema; None for any text. Raises Problem where there is none."""
        if self.type == "text":
            return None
        if self.type == "json_object":
            return {"type": "object"}
        if self.json_schema is None:
            raise Problem(400, "'response_format.json_schema' is missing.", code="missing", param="response_format")
        return self.json_schema.schema_


class _Decoding(_Form):
    max_tokens: int | None = Field(None, ge=1, le=1_000_000)
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(None, gt=0, le=1, allow_inf_nan=False)
    n: int | None = Field(None, ge=1)
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    presence_penalty: Literal[0] | None = None
    frequency_penalty: Literal[0] | None = None

    @property
    def stops(self) -> list[str]:
        """Texts at which an answer ends."""
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    @property
    def most(self) -> int | None:
        """Tokens of an answer."""
        return self.max_tokens

    @property
    def usage_told(self) -> bool:
        """Whether a stream ends with the tokens that it took."""
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(_Decoding):
    """`/v1/chat/completions`."""

    messages: list[ChatMessage] = Field(min_length=1, max_length=10_000)
    max_completion_tokens: int | None = Field(None, ge=1, le=1_000_000)
    response_format: ResponseFormat | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = Field(None, ge=0, le=20)

    @property
    def most(self) -> int | None:
        """Tokens of an answer, by the newer name or the older."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def dialogue(self) -> str:
        """The messages as a field. Raises DataError where they are no dialogue that ends with the user."""
        messages = [Message(_ROLES[one.role], one.text) for one in self.messages]
        check_messages(messages, "messages")
        return as_field(messages)

    @property
    def last_said(self) -> str:
        """The user's last message. Raises Problem where there is none."""
        said = [one.text for one in self.messages if one.role == "user"]
        if not said:
            raise Problem(400, "'messages' has no message of the user's.", code="missing", param="messages")
        return said[-1]


class CompletionRequest(_Decoding):
    """`/v1/completions`."""

    prompt: str | Annotated[list[str], Field(min_length=1)]
    echo: Literal[False] | None = None
    logprobs: int | None = Field(None, ge=0, le=20)
    best_of: None = None
    suffix: None = None

    @property
    def prompts(self) -> list[str]:
        """The texts to go on with."""
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


class EmbeddingRequest(_Form):
    """`/v1/embeddings`."""

    input: str | Annotated[list[str], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: None = None

    @property
    def texts(self) -> list[str]:
        """What is asked for."""
        return [self.input] if isinstance(self.input, str) else self.input
