"""Requests to an API server: the one place that knows the client library and its many ways to fail.

Bodies are plain JSON bytes: building the library's models for a list of 10,000 endpoints costs seconds. The library's
own `Watch` is not used: on 410 it retries once with the same expired version, after the end of an answer it reconnects
without a pause (2,310 requests in 2 s), it has no timeout by default, and it yields a body that is not JSON as a str.
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
from lbproxy.sources.kubernetes.client.api_connection import (
    ApiRefusedError,
    ApiUnreachableError,
    ExpiredError,
    StalledError,
)
from lbproxy.text.quoting import escaped

CONNECT_TIMEOUT = 10.0
"""Seconds until a TCP connection stands."""
LIST_TIMEOUT = 60.0
"""Seconds for one page or one object. With etcd down, consistent lists hang (seen on Kubernetes 1.36)."""
SILENCE = 90.0
"""Seconds without a byte after which a watch counts as dead. An idle one gets a bookmark about every 60 seconds.

Without a limit a half-open connection is silent for ever (kubernetes-client/python#801).
"""

HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}

Load = Callable[[Configuration], Awaitable[None]]
"""Writes the server's address and our credentials there; called again when the server refuses them (HTTP 401)."""


class Api:
    """Requests to one API server. See `ApiConnection`; as an async context manager it closes itself."""

    def __init__(self, configuration: Configuration, load: Load) -> None:
        self._configuration, self._load = configuration, load
        try:
            self._client = ApiClient(configuration)
        except OSError:  # `ssl.SSLError` too
            raise ConfigError("a certificate or key for the API server can't be read; correct the files that the "
                              "kubeconfig names") from None
        self._renewing = asyncio.Lock()

    @classmethod
    async def connect(cls, load: Load) -> Self:
        """Read the credentials, without any request yet. Raises `ConfigError`, and what `load` raises."""
        configuration = Configuration()
        await load(configuration)
        configuration.connection_pool_maxsize = 0  # no limit: each watch holds a connection
        # Certificates are still verified. VERIFY_X509_STRICT would refuse the CAs of many clusters, which lack an
        # authority key identifier.
        configuration.disable_strict_ssl_verification = True
        return cls(configuration, load)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """See `ApiConnection`."""
        await self._client.close()

    async def get(self, path: str, query: Mapping[str, str]) -> bytes:
        """See `ApiConnection`."""
        timeout = aiohttp.ClientTimeout(LIST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        async with self._opened(path, query, timeout) as response:
            return await response.read()

    async def post(self, path: str, body: Mapping[str, object]) -> bytes:
        """Create an object, and return the whole body of the answer. Raises `ApiError`."""
        timeout = aiohttp.ClientTimeout(LIST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        async with self._opened(path, {}, timeout, "POST", body) as response:
            return await response.read()

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """See `ApiConnection`."""
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
            raise StalledError(f"nothing came for {SILENCE:g} seconds") from None
        # The library translates none of these: a killed server is an `aiohttp.ClientPayloadError`, a paused one a
        # timeout of aiohttp, unreadable credentials a `ConfigException`.
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError, ConfigError, ConfigException) as error:
            raise ApiUnreachableError(_described(error)) from None

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
        """Read the credentials again: the token that is projected into a pod rotates every hour."""
        async with self._renewing:
            await self._load(self._configuration)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """Return seconds; 0 also for the form that is a date, which the API server does not use (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    return float(value) if re.fullmatch("[0-9]{1,6}", value) else 0.0


def _described(error: Exception) -> str:
    """Describe an error in one line; most of these have texts of many lines or none, and some quote what we sent."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"the API server can't be reached ({error.os_error.strerror or type(error).__name__})"
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, ConfigException):
        return "the credentials can't be read"
    return f"the connection to the API server failed ({type(error).__name__})"
