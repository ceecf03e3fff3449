"""The page's files: our own, read once from the package, and nothing else."""

from importlib.resources import files

from aiohttp import hdrs, web

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FILES = {one.name: one.read_bytes() for one in (files("lbproxy.admin") / "page").iterdir()
          if one.name.rpartition(".")[2] in _TYPES}


def asset(name: str) -> web.Response:
    """Give one file. Raises `HTTPNotFound`."""
    if name not in _FILES:
        raise web.HTTPNotFound
    kind = _TYPES[name.rpartition(".")[2]]
    return web.Response(body=_FILES[name], headers={hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8"})
