"""A port that the Service or its slices name differently keeps its endpoints until there are some of the new name."""

import pytest
from structlog.typing import EventDict

from lbproxy.sources.kubernetes.reference import KubernetesPort
from lbproxy.sources.kubernetes.service_port_watch import ServicePortWatch
from tests.support.objects import NOT_READY, Json, a_slice, endpoint, port, service

ENDPOINTS = endpoint("10.0.0.1"), endpoint("10.0.0.2")


class Followed:
    """The port of a Service that is followed by name or number, and what it has after each change."""

    def __init__(self, wanted: str | int | None) -> None:
        self.watch = ServicePortWatch(KubernetesPort("default", "web", wanted))

    def see(self, *slices: Json, ports: list[Json] | None = None) -> list[str]:
        if ports is not None:
            self.watch.see_service(service(ports=ports))
        self.watch.see_slices({str(number): content for number, content in enumerate(slices)})
        return [found.address.host for found in self.watch.read().endpoints]


@pytest.fixture(params=["http", 80, None])
def followed(request: pytest.FixtureRequest) -> Followed:
    """Port 80, named http, has two endpoints."""
    followed = Followed(request.param)
    assert followed.see(a_slice(*ENDPOINTS), ports=[port(80, "http")]) == ["10.0.0.1", "10.0.0.2"]
    return followed


def test_endpoints_are_kept_while_only_the_service_has_the_new_name(followed: Followed) -> None:
    assert followed.see(a_slice(*ENDPOINTS), ports=[port(80, "web")]) == ["10.0.0.1", "10.0.0.2"]


def test_endpoints_are_kept_while_only_the_slices_have_the_new_name(followed: Followed) -> None:
    renamed = a_slice(*ENDPOINTS, ports=[port(8080, "web")])
    assert followed.see(renamed) == ["10.0.0.1", "10.0.0.2"]
    assert "have no port http, only web" in followed.watch.trouble


def test_pods_that_are_gone_are_not_kept(followed: Followed) -> None:
    followed.see(a_slice(*ENDPOINTS), ports=[port(80, "web")])
    renamed = a_slice(ENDPOINTS[1], endpoint("10.0.0.9"), ports=[port(8080, "other")])
    assert followed.see(renamed) == ["10.0.0.2"]


@pytest.mark.parametrize("wanted", [80, None])
def test_new_name_counts_as_soon_as_slices_have_it(wanted: int | None) -> None:
    followed = Followed(wanted)
    followed.see(a_slice(*ENDPOINTS), ports=[port(80, "http")])
    followed.see(a_slice(*ENDPOINTS), ports=[port(80, "web")])
    assert followed.see(a_slice(endpoint("10.0.0.3"), ports=[port(9090, "web")])) == ["10.0.0.3"]
    assert not followed.watch.trouble
    assert followed.see(a_slice(ports=[port(9090, "web")])) == []


def test_service_without_pods_has_no_endpoints(followed: Followed) -> None:
    assert followed.see({"addressType": "IPv4", "ports": None, "endpoints": None}) == []
    assert not followed.watch.trouble


def test_service_that_is_deleted_with_its_slices_has_no_endpoints(followed: Followed, logs: list[EventDict]) -> None:
    followed.watch.see_service(None)
    assert followed.see() == []
    assert [line["event"] for line in logs] == ["Service can't be followed, going by its EndpointSlices"]


def test_pods_that_are_not_ready_are_no_missing_port(followed: Followed) -> None:
    assert followed.see(a_slice(endpoint("10.0.0.1", NOT_READY))) == ["10.0.0.1"]
    assert not followed.watch.trouble


@pytest.mark.parametrize(("ports", "why"), [
    ([port(None)], "the port http has no number in the EndpointSlices"),
    ([port(80, "other"), port(81, "")], "the EndpointSlices have no port http, only one without a name or other"),
    ([port(80, protocol="UDP")], "the EndpointSlices have no port http and no other"),
    ([], "the EndpointSlices have no port http and no other")])
def test_port_without_endpoints_has_a_reason(ports: list[Json], why: str, logs: list[EventDict]) -> None:
    followed = Followed("http")
    assert followed.see(a_slice(*ENDPOINTS, ports=ports), ports=[port(80, "http")]) == []
    assert followed.watch.trouble.startswith(why)
    assert [line["error"].startswith(why) for line in logs] == [True]


@pytest.mark.parametrize("odd", [{"ports": "http"}, {"ports": [7]}, {"ports": [{"name": []}]},
                                 {"endpoints": [None, 7, {"addresses": 7}]}])
def test_odd_slices_have_no_reason_that_raises(odd: Json) -> None:
    followed = Followed("http")
    assert followed.see(a_slice(*ENDPOINTS) | odd, ports=[port(80, "http")]) == []
