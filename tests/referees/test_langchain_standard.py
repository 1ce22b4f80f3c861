"""LangChain's public standard tests for chat models, as they are: its own classes, told nothing but where the gateway is.

The suite asks what a model can do, by properties, and passes over what it cannot. What is ``False`` here says why.
"""

import base64
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from langchain_aws import ChatBedrockConverse
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests, chat_models
from langchain_tests.unit_tests import ChatModelUnitTests

from gateway.sandbox.world import World
from tests.referees.bedrock.calls import client
from tests.stack import SECRET
from tests.threaded import serving

pytestmark = [
    # The SDK's own, about a reply that it has parsed itself: LangChain turns it into a dictionary.
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings"),
    # LangChain's own: the suite sends it a model of Pydantic 1, and a file without a name.
    pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1 schema"),
    pytest.mark.filterwarnings("ignore:.* may require a filename for file"),
]

FILES = {
    "png": base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="),
    "pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes to LangSmith, and what the suite would fetch from the web lies here."""
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    here = SimpleNamespace(get=lambda url, **_: SimpleNamespace(content=FILES[url.rpartition(".")[2]]))
    monkeypatch.setattr(chat_models, "httpx", here)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One gateway for all classes."""
    with serving(World(warm_after_seconds=0.1)) as found:
        yield found


class ByOpenAI(ChatModelIntegrationTests):
    """What every family can do for ChatOpenAI.

    Left out are images and documents in a tool's answer (OpenAI's chat has text alone there), images by URL (Quarry fetches
    nothing), audio (no family reads any), Anthropic's own blocks (OpenAI has no ``cache_control``; ``/v1/messages`` does), and
    the stopwatch over recorded traffic (nothing is recorded here).
    """

    alias: str
    chat_model_class = ChatOpenAI
    model_override_value = "titan-support"
    supports_json_mode = True
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed

    @pytest.fixture(autouse=True)
    async def _clients(self, url: str) -> AsyncIterator[None]:
        """LangChain keeps its own connections for ever, for every loop; and reading certificates takes longer than any test."""
        with httpx.Client(verify=False) as blocking:
            async with httpx.AsyncClient(verify=False) as async_client:
                self.where = {"base_url": f"{url}/v1", "http_client": blocking, "http_async_client": async_client}
                yield

    @property
    def chat_model_params(self) -> dict[str, Any]:
        # Usage in streams has to be asked for, as ChatOpenAI does by itself only at OpenAI's own address.
        return {"model": self.alias, "api_key": SECRET, "max_retries": 0, "stream_usage": True, **self.where, **self.more}


class TestClaude45(ByOpenAI):
    """Held to schemas by its own body."""

    alias = "sonnet-4-5"
    supports_image_inputs = True
    supports_pdf_inputs = True


class TestClaude(ByOpenAI):
    """Held to them by a hidden tool."""

    alias = "haiku-support"
    supports_image_inputs = True
    supports_pdf_inputs = True


class TestClaudeByResponses(ByOpenAI):
    """The same by ``/v1/responses``."""

    alias = "haiku-support"
    more = {"use_responses_api": True}  # noqa: RUF012 - never changed
    supports_image_inputs = True
    supports_pdf_inputs = True


class TestConverse(ByOpenAI):
    """The form that all models share, which reads what they read."""

    alias = "haiku-converse"
    supports_image_inputs = True
    supports_pdf_inputs = True


class TestNova(ByOpenAI):
    """No documents: its body has a place for images alone."""

    alias = "nova-lite-support"
    supports_image_inputs = True


class TestOpenAIChat(ByOpenAI):
    """No images: gpt-oss reads none. No documents: the form of imports has no place for them."""

    alias = "gpt-oss-import"


class TestMistral(ByOpenAI):
    """Neither: Mistral Large's body is text."""

    alias = "mistral-large"


class TestLlama(ByOpenAI):
    """Its tools are written into the prompt, and read out of its text. No images: Llama 3.1 reads none."""

    alias = "llama3-support"


class TestOpenAICompletion(ByOpenAI):
    """The same in Qwen's own form."""

    alias = "qwen-import"


class ByBedrock(ChatModelIntegrationTests):
    """What every family can do for ChatBedrockConverse, which asks ``/bedrock`` by Converse.

    It has no JSON mode and takes no other model than its own for a call. Images by URL, audio and the stopwatch: as above.
    """

    alias: str
    base: str
    chat_model_class = ChatBedrockConverse
    supports_model_override = False
    supports_image_inputs = True
    supports_image_tool_message = True

    @pytest.fixture(autouse=True)
    def _client(self, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", SECRET)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        self.runtime = client(url)
        yield
        self.runtime.close()

    @property
    def chat_model_params(self) -> dict[str, Any]:
        # What LangChain believes a model to be able to do hangs on its name at AWS: an alias tells it nothing.
        return {
            "model": self.alias,
            "base_model": self.base,
            "provider": self.base.partition(".")[0],
            "client": self.runtime,
            "bedrock_client": self.runtime,  # of the control plane, which it asks about inference profiles alone
        }


class TestClaudeByBedrock(ByBedrock):
    """No documents: the suite gives its own no name, which botocore demands of each."""

    alias = "haiku-support"
    base = "anthropic.claude-3-haiku-20240307-v1:0"
    supports_anthropic_inputs = True


class TestNovaByBedrock(ByBedrock):
    """Its own stream is odd, and what comes out is not."""

    alias = "nova-lite-support"
    base = "amazon.nova-lite-v1:0"


class TestUnit(ChatModelUnitTests):
    """What ChatOpenAI makes of its settings alone; an application needs two variables of the environment."""

    chat_model_class = ChatOpenAI
    chat_model_params = {"model": "haiku-support"}  # noqa: RUF012 - never changed

    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in self.init_from_env_params[0].items():
            monkeypatch.setenv(name, value)

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        found = {"openai_api_key": SECRET, "openai_api_base": "http://127.0.0.1:8080/v1"}
        return {name.upper(): value for name, value in found.items()}, self.chat_model_params, found
