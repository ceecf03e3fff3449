"""Requests to an API server: the one place that knows the client libraries and their many ways to fail.

Bodies are plain JSON bytes: building the library's models for a list of 10,000 endpoints costs seconds. The library's
own `Watch` is not used: on 410 it retries once with the same expired version, after the end of an answer it reconnects
without a pause (2,310 requests in 2 s), it has no timeout by default, and it yields a body that is not JSON as a str.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from time import monotonic
from typing import Protocol, Self, runtime_checkable

import aiohttp
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException, kube_config

from lbproxy.model.errors import ConfigError
from lbproxy.sources.kubernetes.client.api_connection import (
    ApiRefusedError,
    ApiUnreachableError,
    ExpiredError,
    StalledError,
)
from lbproxy.sources.kubernetes.client.session import Session
from lbproxy.sources.kubernetes.client.unpacking import joined, unpacked
from lbproxy.text.quoting import escaped

CONNECT_TIMEOUT = 10.0
"""Seconds until a TCP connection stands."""
LIST_TIMEOUT = 60.0
"""Seconds for one page or one object. With etcd down, consistent lists hang (seen on Kubernetes 1.36)."""
SILENCE = 90.0
"""Seconds without a byte after which a watch counts as dead. An idle one gets a bookmark about every 60 seconds.

Without a limit a half-open connection is silent for ever (kubernetes-client/python#801).
"""

LOOK_INTERVAL = 10.0
"""Seconds between two looks at the files of the credentials; a request that is refused does not wait for one."""


class Load(Protocol):
    """What reads the credentials."""

    async def __call__(self, configuration: Configuration, /) -> None:
        """Write the server's address and our credentials there; called again when these are refused or have changed.

        Raises `ConfigError` if they can't be read.
        """


@runtime_checkable
class LoadFromFiles(Protocol):
    """A `Load` that knows the files that it reads."""

    def has_changed(self) -> bool:
        """Whether any of them has changed since they were read."""


class Api:
    """Requests to one API server. See `ApiConnection`; as an async context manager it closes itself."""

    def __init__(self, session: Session, load: Load) -> None:
        self._session, self._load = session, load
        self._renewing = asyncio.Lock()
        self._looked_at = monotonic()

    @classmethod
    async def connect(cls, load: Load) -> Self:
        """Read the credentials, without any request yet. Raises `ConfigError`, and what `load` raises."""
        return cls(await _session(load), load)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """See `ApiConnection`."""
        await self._session.close()

    async def get(self, path: str, query: Mapping[str, str]) -> bytes:
        """See `ApiConnection`."""
        async with self._answered(path, query, _list_timeout()) as chunks:
            return await joined(chunks)

    async def post(self, path: str, body: Mapping[str, object]) -> bytes:
        """Create an object, and return the whole body of the answer. Raises `ApiError`."""
        async with self._answered(path, {}, _list_timeout(), "POST", body) as chunks:
            return await joined(chunks)

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """See `ApiConnection`."""
        # No limit in total: the server ends a watch after `timeoutSeconds`.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=SILENCE)
        return self._answered(path, query, timeout)

    @asynccontextmanager
    async def _answered(self, path: str, query: Mapping[str, str], timeout: aiohttp.ClientTimeout, method: str = "GET",
                        body: Mapping[str, object] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open an answer, and yield its body as it comes. Raises `ApiError`."""
        try:
            if self._has_changed():
                await self._renew(self._session)
            async with self._requested(path, query, timeout, method, body) as response:
                yield unpacked(response.content.iter_any(), response.headers.get("Content-Encoding", "").lower())
        except aiohttp.SocketTimeoutError:
            raise StalledError(f"nothing came for {SILENCE:g} seconds") from None
        # A killed server is an `aiohttp.ClientPayloadError`, a paused one a timeout of aiohttp, unreadable credentials
        # a `ConfigException`, and a header or an address of odd characters a `ValueError`.
        except (aiohttp.ClientError, TimeoutError, OSError, ConfigError, ConfigException, ValueError) as error:
            raise ApiUnreachableError(_described(error)) from None

    @asynccontextmanager
    async def _requested(self, path: str, query: Mapping[str, str], timeout: aiohttp.ClientTimeout, method: str,
                         body: Mapping[str, object] | None) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield the answer if it is a good one; renew the credentials if they may be why it is not."""
        session = self._session
        session.users += 1
        try:
            async with await session.request(method, path, query, body, timeout) as response:
                if response.status == HTTPStatus.UNAUTHORIZED:
                    await self._renew(session)
                _check(response)
                yield response
        except (aiohttp.ClientError, OSError) as error:
            if _is_refused_certificate(error):
                await self._renew(session)
            raise
        finally:
            await session.release()

    def _has_changed(self) -> bool:
        if not isinstance(self._load, LoadFromFiles) or monotonic() - self._looked_at < LOOK_INTERVAL:
            return False
        self._looked_at = monotonic()
        return self._load.has_changed()

    async def _renew(self, used: Session) -> None:
        """Read everything again, for a token, certificates, and even an address that changed; once for all requests."""
        async with self._renewing:
            # Every watch is refused at the same moment: the first one renews, the others find that it was done.
            if self._session is used:
                self._session = await _session(self._load)
                await used.retire()


async def _session(load: Load) -> Session:
    """Make a session of what the credentials are now, into which nothing of earlier ones is mixed."""
    configuration = Configuration()
    try:
        await load(configuration)
        configuration.refresh_api_key_hook = None  # a hook reads files later, and raises then
        return Session(configuration, await _authorization(configuration))
    finally:
        # The library writes what stands in a kubeconfig itself, private keys too, into files until the process ends,
        # as `ssl` reads files only. They have been read now.
        kube_config._cleanup_temp_files()  # noqa: SLF001 - it has no other way


async def _authorization(configuration: Configuration) -> str:
    # A final line break is what `echo` leaves in a token file.
    value = str(await configuration.get_api_key_with_prefix("BearerToken") or "").strip()
    if not value.isascii() or not value.isprintable():
        raise ConfigError("the token for the API server holds characters that no token has; write it again")
    return value


def _list_timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(LIST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)


def _check(response: aiohttp.ClientResponse) -> None:
    status = response.status
    if status == HTTPStatus.GONE:
        raise ExpiredError
    if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
        reason = f"HTTP {status} {escaped(response.reason or '')}".rstrip()
        # A redirect is not followed: an answer from elsewhere is not the API server's, and it would get our token.
        redirect = ", a redirect, which is not followed" if HTTPStatus(300) <= status < HTTPStatus(400) else ""
        raise ApiRefusedError(f"the API server answers {reason}{redirect}", status, _retry_after(response))


def _is_refused_certificate(error: Exception) -> bool:
    """Whether a certificate, ours or the server's, may be why there is no answer.

    With TLS 1.3 a server refuses ours only after the handshake: our first read finds an alert, or just the end.
    """
    is_broken = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
    return _is_handshake(error) or (is_broken and not isinstance(error, aiohttp.ClientConnectorError))


def _is_handshake(error: Exception) -> bool:
    causes = (error, error.__cause__, getattr(error, "os_error", None))
    return any(isinstance(one, ssl.SSLError | aiohttp.ClientSSLError) for one in causes)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """Return seconds; 0 also for the form that is a date, which the API server does not use (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    return float(value) if re.fullmatch("[0-9]{1,6}", value) else 0.0


def _described(error: Exception) -> str:
    """Describe an error in one line; most of these have texts of many lines or none, and some quote what we sent."""
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, ConfigException):
        return "the credentials can't be read"
    if _is_handshake(error):
        return "the API server can't be reached (TLS failed: a certificate is not trusted, or has expired)"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"the API server can't be reached ({error.os_error.strerror or 'no connection'})"
    return f"the API server can't be reached ({_reason(error)})"


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answers HTTP {error.status}"
    if isinstance(error, aiohttp.ClientResponseError | ValueError):
        return "its address or answer is no valid HTTP"
    return "the connection broke"
