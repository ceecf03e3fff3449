"""Who may ask for what. Anyone who can connect may read; orders need the Unix socket or the bearer token.

A hostile web site can make a browser send requests to us. Therefore the Host header must be an IP address, `localhost`
or a configured name (otherwise a site could rebind its own name to our address), and orders from other sites are
refused.
"""

import asyncio
import hmac
import ipaddress
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import structlog
from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Counter

from lbproxy.text.quoting import cut, escaped


class RequestRefusedError(Exception):
    """Ends a request: the status, and the line that the client gets. Nothing was changed."""

    def __init__(self, status: int, line: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(line)
        self.status, self.line, self.headers = status, line, headers


SHORTEST, LONGEST = 16, 4096
"""Bytes of a token; longer files are something else."""


class TokenError(Exception):
    """The file can't be used; its text is one line that does not tell what is in the file."""


class TokenFile:
    """A file with a token; white space around it is not part of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes:
        """Give the token as it is now. Raises `TokenError`."""
        try:
            with self.path.open("rb") as file:
                token = file.read(LONGEST + 1).strip()
        except OSError as error:
            raise TokenError(f"{self.path}: {(error.strerror or str(error)).lower()}; "
                             "write the path of a file with a token") from None
        if not SHORTEST <= len(token) <= LONGEST or len(token.split()) != 1:
            raise TokenError(f"{self.path}: this is no token; write one word of at least {SHORTEST} characters, "
                             "such as openssl rand -hex 32 prints")
        return token

    def is_shown_by(self, header: str) -> bool:
        """Whether an Authorization header is `Bearer` and the token. Takes as long for any wrong one."""
        scheme, _, shown = header.partition(" ")
        return hmac.compare_digest(shown.strip().encode(errors="surrogateescape"), self.read()) and (
            scheme.lower() == "bearer")

    def is_open_to_all(self) -> bool:
        """Whether every user of this machine may read it, as with a mounted Secret unless `defaultMode` forbids it."""
        return bool(self.path.stat().st_mode & stat.S_IROTH)


PROBES = {"/healthz", "/readyz"}
"""They say one word, to probes that call us by any name."""
CHANGING = {hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_PATCH, hdrs.METH_DELETE}
LOCAL = {"localhost", "ip6-localhost"}
SAME_SITE = {"same-origin", "none"}

log = structlog.get_logger("lbproxy.admin")


class Guard:
    """Refuses, and tells `count` why: host, cross_site, read_only, token."""

    def __init__(self, token: TokenFile | None, hosts: frozenset[str], count: Callable[[str], None]) -> None:
        self._token, self._hosts, self._count = token, hosts, count

    async def check(self, request: web.Request) -> None:
        """Raise `RequestRefusedError` unless this request may be answered."""
        if is_local(request):
            return
        if request.path not in PROBES and not self._is_known(request.headers.get(hdrs.HOST, "")):
            self._refuse("host", 421, f"this server is not called {_said(request.headers.get(hdrs.HOST, ''))}; ask by "
                                      "its IP address, or add the name to --admin-hosts")
        if request.method in CHANGING and request.match_info.http_exception is None:  # else it changes nothing
            self._check_site(request)
            await self._check_token(request)

    def _is_known(self, host: str) -> bool:
        name = _name(host)
        return name is not None and (_is_address(name) or name in LOCAL or name in self._hosts)

    def _check_site(self, request: web.Request) -> None:
        origin, site = request.headers.get(hdrs.ORIGIN), request.headers.get("Sec-Fetch-Site", "none")
        is_foreign = origin is not None and urlsplit(origin).netloc != request.headers.get(hdrs.HOST)
        if is_foreign or site not in SAME_SITE:
            self._refuse("cross_site", 403, "orders are not taken from other sites")

    async def _check_token(self, request: web.Request) -> None:
        if self._token is None:
            self._refuse("read_only", 403, "read-only: orders need lbproxy run --admin-token-file FILE, "
                                           "or a Unix socket (--admin unix:PATH)")
        try:
            is_shown = await asyncio.to_thread(self._token.is_shown_by, request.headers.get(hdrs.AUTHORIZATION, ""))
        except TokenError as error:
            log.error("token file can't be used, orders are refused", error=str(error))
            self._refuse("token", 503, "the token file can't be used; lbproxy's log says why")
        if not is_shown:
            self._refuse("token", 401, "this order needs the token: --admin-token-file FILE, or Authorization: Bearer "
                                       "TOKEN", **{hdrs.WWW_AUTHENTICATE: 'Bearer realm="lbproxy"'})

    def _refuse(self, reason: str, status: int, line: str, **headers: str) -> NoReturn:
        self._count(reason)
        raise RequestRefusedError(status, line, headers)


def is_local(request: web.BaseRequest) -> bool:
    """Whether it came over the Unix socket, which only its owner can reach."""
    sock = request.transport.get_extra_info("socket") if request.transport else None
    return sock is not None and sock.family == socket.AF_UNIX


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _said(host: str) -> str:
    return escaped(repr(cut(host)))


class AdminMetrics:
    """Whom the admin server turned away."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter("lbproxy_admin_requests_refused_total", "Requests that the admin server turned away.",
                                ["reason"], registry=registry)
        for reason in ("host", "cross_site", "read_only", "token"):
            self._refused.labels(reason)

    def count_refusal(self, reason: str) -> None:
        """Count one request."""
        self._refused.labels(reason).inc()
