"""Which requests are answered. Anyone who can connect may read; orders need the Unix socket or the bearer token.

A hostile web site can make a visitor's browser send requests to us. Against that, the Host header must be an IP
address, `localhost` or a configured name, and orders from other sites are refused.
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

SHORTEST, LONGEST = 16, 4096
"""Bytes of a token. A longer file is probably the wrong file."""
PROBES = {"/healthz", "/readyz"}
"""Answered under any Host, since kubelets and load balancers call by names of their own; they tell one line."""
CHANGING = {hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_PATCH, hdrs.METH_DELETE}
LOCAL = {"localhost", "ip6-localhost"}
SAME_SITE = {"same-origin", "none"}
"""Values of Sec-Fetch-Site (W3C Fetch Metadata) that are no other site; `none` is a user's own navigation."""

log = structlog.get_logger("lbproxy.admin")


class RequestRefusedError(Exception):
    """Ends a request that changed nothing: HTTP status, and one line for the client that says what to do instead."""

    def __init__(self, status: int, line: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(line)
        self.status, self.line, self.headers = status, line, headers


class TokenError(Exception):
    """The token file can't be used. Its text is one line that doesn't tell what is in the file."""


class TokenFile:
    """A file with a bearer token; white space around the token doesn't count.

    It is read anew for each order, so a replaced file (a rotated Secret) takes effect at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes:
        """Give the token as it is now. Raises `TokenError`."""
        try:
            with self.path.open("rb") as file:
                # One more than allowed shows that it is longer; a path to a device must not be read without end.
                token = file.read(LONGEST + 1).strip()
        except OSError as error:
            raise TokenError(f"{self.path}: {(error.strerror or str(error)).lower()}; "
                             "write the path of a file with a token") from None
        if not SHORTEST <= len(token) <= LONGEST or len(token.split()) != 1:
            raise TokenError(f"{self.path}: this is not a token; write one word of at least {SHORTEST} characters, "
                             "such as openssl rand -hex 32 prints")
        return token

    def matches(self, header: str) -> bool:
        """Whether an Authorization header is `Bearer` and the token (RFC 6750). Raises `TokenError`.

        Comparing takes the same time for any wrong token of the same length, so timing doesn't help guessing.
        """
        scheme, _, shown = header.partition(" ")
        return hmac.compare_digest(shown.strip().encode(errors="surrogateescape"), self.read()) and (
            scheme.lower() == "bearer")

    def is_world_readable(self) -> bool:
        """Whether every user of this machine may read it. Mounted Secrets are, unless `defaultMode` forbids it."""
        return bool(self.path.stat().st_mode & stat.S_IROTH)


class AdminMetrics:
    """Counts the requests that the guard refuses."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter("lbproxy_admin_requests_refused_total", "Requests that the admin server refused.",
                                ["reason"], registry=registry)
        # From the start at 0, so that rate() sees the first refusal.
        for reason in ("host", "cross_site", "read_only", "token"):
            self._refused.labels(reason)

    def count_refusal(self, reason: str) -> None:
        """Count one request under a reason that `Guard` gives."""
        self._refused.labels(reason).inc()


class Guard:
    """Refuses requests, and calls `count` with the reason: host, cross_site, read_only or token.

    Without a token file orders are taken over the Unix socket only. `hosts` are names of this server, in lower case.
    """

    def __init__(self, token: TokenFile | None, hosts: frozenset[str], count: Callable[[str], None]) -> None:
        self._token, self._hosts, self._count = token, hosts, count

    async def check(self, request: web.Request) -> None:
        """Return if this request may be answered. Raises `RequestRefusedError`."""
        # Before the check of Host: a browser can't open a Unix socket, so no site can make one send us requests.
        if is_local(request):
            return
        if request.path not in PROBES and not self._is_known(request.headers.get(hdrs.HOST, "")):
            # DNS rebinding: a site points its own name at our address, and the browser then lets it read our answers.
            self._refuse("host", 421, f"{_shown(request.headers.get(hdrs.HOST, ''))} is not a name of this server; "
                                      "use its IP address, or add the name to --admin-hosts")
        if request.method in CHANGING and request.match_info.http_exception is None:  # 404 and 405 change nothing
            self._check_site(request)
            await self._check_token(request)

    def _is_known(self, host: str) -> bool:
        name = _name(host)
        return name is not None and (_is_address(name) or name in LOCAL or name in self._hosts)

    def _check_site(self, request: web.Request) -> None:
        origin, site = request.headers.get(hdrs.ORIGIN), request.headers.get("Sec-Fetch-Site", "none")
        # Both headers, as older browsers send no Sec-Fetch-Site. Other clients than browsers send neither.
        is_foreign = origin is not None and urlsplit(origin).netloc != request.headers.get(hdrs.HOST)
        if is_foreign or site not in SAME_SITE:
            self._refuse("cross_site", 403, "orders from other sites are refused")

    async def _check_token(self, request: web.Request) -> None:
        if self._token is None:
            self._refuse("read_only", 403, "this server is read-only: orders need lbproxy run --admin-token-file FILE, "
                                           "or a Unix socket (--admin unix:PATH)")
        try:
            # In a thread, because reading a file can block.
            is_right = await asyncio.to_thread(self._token.matches, request.headers.get(hdrs.AUTHORIZATION, ""))
        except TokenError as error:
            log.error("token file can't be used, orders are refused", error=str(error))
            self._refuse("token", 503, "the server can't use its token file; its log says why")
        if not is_right:
            self._refuse("token", 401, "orders need the token: --admin-token-file FILE, or the header Authorization: "
                                       "Bearer TOKEN", **{hdrs.WWW_AUTHENTICATE: 'Bearer realm="lbproxy"'})

    def _refuse(self, reason: str, status: int, line: str, **headers: str) -> NoReturn:
        self._count(reason)
        raise RequestRefusedError(status, line, headers)


def is_local(request: web.BaseRequest) -> bool:
    """Whether it came over the Unix socket, which only its owner can open (mode 0600)."""
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


def _shown(host: str) -> str:
    return escaped(repr(cut(host)))
