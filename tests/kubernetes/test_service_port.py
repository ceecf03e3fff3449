"""Which port of a Service is meant."""

import pytest

from lbproxy.sources.kubernetes.service_port import ServiceError, port_name
from tests.support.objects import port, service

TWO = service(ports=[port(80, "http"), port(443, "https"), port(53, "dns", "UDP")])


@pytest.mark.parametrize(("wanted", "name"), [("http", "http"), (80, "http"), ("https", "https"), (443, "https")])
def test_port_is_found_by_name_or_number(wanted: str | int, name: str) -> None:
    assert port_name(TWO, wanted) == name


@pytest.mark.parametrize("wanted", [None, 80])
def test_only_port_need_not_be_named(wanted: int | None) -> None:
    assert port_name(service(ports=[port(80, None)]), wanted) == ""
    assert port_name(service(ports=[port(80, "http"), port(53, "dns", "UDP")]), wanted) == "http"


@pytest.mark.parametrize(("content", "wanted", "words"), [
    (TWO, None, "it has several ports; name one of them: http or https"),
    (TWO, "dns", "it has no TCP port dns; name http or https"),
    (TWO, 81, "it has no TCP port 81; name http or https"),
    (service(type="ExternalName"), None, "it is an ExternalName"),
    (service(ports=[]), None, "it has no TCP port; give it one"),
    (service(ports=[port(True)]), None, "it can't be read: port is True"),  # noqa: FBT003 - JSON
    ([], None, "it can't be read: the Service is a list, not a mapping"),
])
def test_what_is_not_possible_is_said_with_the_remedy(content: object, wanted: str | int | None, words: str) -> None:
    with pytest.raises(ServiceError) as failure:
        port_name(content, wanted)
    assert str(failure.value).startswith(words)
