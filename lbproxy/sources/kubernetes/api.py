"""Requests to an API server: the one place that knows the client library and its many ways to fail.

Bodies are plain JSON bytes: models for a list of 10,000 endpoints cost seconds. Every failure is an `ApiError`.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Self

import aiohttp
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.config import ConfigException

from lbproxy.model.errors import ConfigError
from lbproxy.sources.kubernetes.failures import ApiRefusedError, ApiUnreachableError, ExpiredError, StalledError
from lbproxy.text.quoting import escaped

CONNECT_TIMEOUT = 10.0
LIST_TIMEOUT = 60.0
"""Seconds for one page: with etcd down, consistent lists hang."""
SILENCE = 90.0
"""Seconds. A living watch says something every 60, if only a bookmark."""

HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}

Load = Callable[[Configuration], Awaitable[None]]
"""Puts the server's address and our credentials there; called again when they are refused."""


class Api:
    """One API server; an async context manager that closes all connections at its end."""

    def __init__(self, configuration: Configuration, load: Load) -> None:
        self._configuration, self._load = configuration, load
        try:
            self._client = ApiClient(configuration)
        except OSError:  # `ssl.SSLError` too
            raise ConfigError("a certificate or key for the API server can't be read; mend the files that the "
                              "kubeconfig names") from None
        self._renewing = asyncio.Lock()

    @classmethod
    async def connect(cls, load: Load) -> Self:
        """Read the credentials; connect to nothing yet. Raises `ConfigError`, and what `load` raises."""
        configuration = Configuration()
        await load(configuration)
        configuration.connection_pool_maxsize = 0  # no limit: each watch holds a connection
        configuration.disable_strict_ssl_verification = True  # still verified; but CAs of clusters lack key identifiers
        return cls(configuration, load)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def get(self, path: str, query: Mapping[str, str]) -> bytes:
        """Give the whole body of an answer."""
        async with self._opened(path, query, aiohttp.ClientTimeout(LIST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)) as got:
            return await got.read()

    async def post(self, path: str, body: Mapping[str, object]) -> bytes:
        """Create something, and give the whole body of the answer."""
        timeout = aiohttp.ClientTimeout(LIST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        async with self._opened(path, {}, timeout, "POST", body) as got:
            return await got.read()

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open an answer that goes on; inside, its bytes as they come."""
        return self._streamed(path, query)

    @asynccontextmanager
    async def _streamed(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=SILENCE)
        async with self._opened(path, query, timeout) as response:
            yield response.content.iter_any()

    @asynccontextmanager
    async def _opened(self, path: str, query: Mapping[str, str],
                      timeout: aiohttp.ClientTimeout, method: str = "GET",
                      body: Mapping[str, object] | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            response: aiohttp.ClientResponse = await self._client.call_api(
                path, method, query_params=list(query.items()), header_params=dict(HEADERS), body=body,
                auth_settings=["BearerToken"], _preload_content=False, _request_timeout=timeout)
            async with response:
                await self._check(response)
                yield response
        except aiohttp.SocketTimeoutError:
            raise StalledError("nothing came for too long") from None
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError, ConfigError, ConfigException) as error:
            raise ApiUnreachableError(_words(error)) from None

    async def _check(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status == HTTPStatus.GONE:
            raise ExpiredError
        if status == HTTPStatus.UNAUTHORIZED:
            await self._renew()
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            reason = f"HTTP {status} {escaped(response.reason or '')}".rstrip()
            raise ApiRefusedError(f"the API server answers {reason}", status, _retry_after(response))

    async def _renew(self) -> None:
        """Read the credentials again: the token may have been rotated."""
        async with self._renewing:
            await self._load(self._configuration)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if re.fullmatch("[0-9]{1,6}", value) else 0.0


def _words(error: Exception) -> str:
    """Name an error; most of these have texts of many lines or none, and some quote what we sent."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"the API server can't be reached ({error.os_error.strerror or type(error).__name__})"
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, ConfigException):
        return "the credentials can't be read"
    return f"the connection to the API server failed ({type(error).__name__})"
