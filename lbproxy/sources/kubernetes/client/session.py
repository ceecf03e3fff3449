"""HTTP connections to an API server with one set of credentials; other credentials take another session.

The client library's own session is not used: it reads `.netrc`, follows redirects (an answer from elsewhere was
believed), unpacks without a limit, and keeps the certificates that it began with.
"""

import os
import ssl
from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
from kubernetes_asyncio.client import Configuration

from lbproxy.model.errors import ConfigError
from lbproxy.sources.kubernetes.client.proxies import proxy_for

HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
READ_BUFFER = 2 << 20
"""Bytes: an object in etcd is at most 1.5 MiB by default."""


class Session:
    """Requests with the credentials of `configuration`. `users` counts those that run; see `retire`."""

    def __init__(self, configuration: Configuration, authorization: str) -> None:
        """Raises `ConfigError`. Needs a running loop."""
        self._host = configuration.host or ""
        self._proxy = configuration.proxy or _proxy(self._host)
        self._server_name: str | None = configuration.tls_server_name
        self._headers = HEADERS | ({"Authorization": authorization} if authorization else {})
        self._session = aiohttp.ClientSession(
            # No limit: each watch holds a connection.
            connector=aiohttp.TCPConnector(limit=0, ssl=_tls(configuration)), cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False, auto_decompress=False, read_bufsize=READ_BUFFER)
        self.users = 0
        self._is_retired = False

    async def request(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, object] | None,
                      timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        """Return the answer when its head has come. Raises what aiohttp does."""
        url = f"{self._host}{path}" + (f"?{urlencode(query)}" if query else "")
        return await self._session.request(method, url, json=body, headers=self._headers, timeout=timeout,
                                           proxy=self._proxy, server_hostname=self._server_name, allow_redirects=False)

    async def release(self) -> None:
        """End one use; the last one of a retired session closes it."""
        self.users -= 1
        if self._is_retired and not self.users:
            await self.close()

    async def retire(self) -> None:
        """Close the connections when no request uses them any more: an open watch stays until it ends."""
        self._is_retired = True
        if not self.users:
            await self.close()

    async def close(self) -> None:
        """Close all connections; requests that still run fail."""
        await self._session.close()


def _proxy(host: str) -> str | None:
    try:
        return proxy_for(host, os.environ)
    except ValueError:
        raise ConfigError("the address of the API server is no URL; correct the kubeconfig") from None


def _tls(configuration: Configuration) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file,
                                    password="")  # an encrypted key is an error, not a question on the terminal
    except OSError:  # `ssl.SSLError` too
        raise ConfigError("a certificate or key for the API server can't be read; correct the files that the "
                          "kubeconfig names") from None
    if not configuration.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    # Certificates are still verified. VERIFY_X509_STRICT would refuse the CAs of many clusters, which lack an
    # authority key identifier.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
