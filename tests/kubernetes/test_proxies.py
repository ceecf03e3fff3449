"""Which proxy leads to an API server, as Go programs decide."""

import pytest

from lbproxy.sources.kubernetes.client.proxies import proxy_for

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(("variables", "url", "proxy"), [
    ({}, "https://10.0.0.1", None),
    ({"HTTPS_PROXY": PROXY}, "https://10.0.0.1", PROXY),
    ({"https_proxy": "proxy.example:3128"}, "https://10.0.0.1", PROXY),
    ({"HTTP_PROXY": PROXY}, "https://10.0.0.1", None),
    ({"HTTP_PROXY": PROXY}, "http://10.0.0.1", PROXY)])
def test_proxy_is_that_of_the_scheme(variables: dict[str, str], url: str, proxy: str | None) -> None:
    assert proxy_for(url, variables) == proxy


@pytest.mark.parametrize(("exceptions", "url"), [
    ("*", "https://api.example"), ("10.0.0.0/8", "https://10.96.0.1"), ("a, 10.0.0.0/8 ,b", "https://10.96.0.1:6443"),
    ("10.96.0.1", "https://10.96.0.1:6443"), ("10.96.0.1:6443", "https://10.96.0.1:6443"), ("fd00::/8", "https://[fd00::1]"),
    ("fd00::1", "https://[fd00::1]:6443"), ("[fd00::1]:6443", "https://[fd00::1]:6443"), ("example", "https://api.example"),
    (".example", "https://api.example"), ("*.example", "https://api.example"), ("API.example", "https://api.Example."),
    ("10.96.0.1:443", "https://10.96.0.1"), ("10.0.0.3/8", "https://10.96.0.1")])
def test_host_that_no_proxy_names_needs_none(exceptions: str, url: str) -> None:
    assert proxy_for(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": exceptions}) is None
    assert proxy_for(url, {"https_proxy": PROXY, "no_proxy": exceptions}) is None


@pytest.mark.parametrize(("exceptions", "url"), [
    ("", "https://10.96.0.1"), (",", "https://10.96.0.1"), ("11.0.0.0/8", "https://10.96.0.1"),
    ("10.0.0.0/8", "https://10.example"), ("10.96.0.1:443", "https://10.96.0.1:6443"), (".example", "https://example"),
    ("ample", "https://api.example"), ("10.96.0.0/33", "https://10.96.0.1")])
def test_other_hosts_are_reached_through_the_proxy(exceptions: str, url: str) -> None:
    assert proxy_for(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": exceptions}) == PROXY
