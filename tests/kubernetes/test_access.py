"""What is asked of the API server is what deploy/userspace grants: nothing is missing there, and nothing too much."""

import re
from pathlib import Path
from typing import Any

from aiohttp import web
from ruamel.yaml import YAML

from lbproxy.sources.kubernetes.client.collection import Collection, services_of, slices_of
from tests.support.fake_api import END, FakeApi
from tests.support.objects import a_slice, endpoint, service
from tests.support.waiting import until

from .conftest import Cluster, target

RBAC = Path(__file__).parents[2] / "deploy/userspace/rbac.yaml"
SLICES = "endpointslices"
BOTH = (SLICES, "services")

Access = tuple[str, str, str, str]
"""Namespace, group, resource and verb."""


def granted() -> set[Access]:
    """What the Role allows."""
    role, = (manifest for manifest in YAML(typ="safe").load_all(RBAC) if manifest["kind"] == "Role")
    rules: list[dict[str, Any]] = role["rules"]
    assert all(rule.keys() == {"apiGroups", "resources", "verbs"} for rule in rules)
    return {(role["metadata"]["namespace"], group, resource, verb) for rule in rules
            for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}


def asked(server: FakeApi) -> set[Access]:
    return {(request.namespace, request.group, request.resource, request.verb) for request in server.requests}


async def through_every_kind_of_request(cluster: Cluster, server: FakeApi) -> None:
    """List, watch, resume, and list anew; a Service that is missing at first appears later."""
    server.delete("services", "web")
    cluster.follow()
    await until(lambda: server.watched(*BOTH))
    server.put("services", service())
    await cluster.says("10.0.0.1")
    server.say(END)
    await until(lambda: all(server.count("watch", resource) == 2 for resource in BOTH) and server.watched(*BOTH))
    server.fail(410, "watch", times=2)
    server.reset()
    await until(lambda: all(server.count("list", resource) == 2 for resource in BOTH) and server.watched(*BOTH))
    server.answer(lambda: web.Response(body=b"not JSON"), "list", times=2)
    server.fail(410, "watch", times=2)
    server.put(SLICES, a_slice(endpoint("10.0.0.2")))
    await cluster.says("10.0.0.2")


async def test_role_grants_each_verb_that_is_used_and_no_other(cluster: Cluster, server: FakeApi) -> None:
    await through_every_kind_of_request(cluster, server)
    assert asked(server) == granted()


async def test_role_is_enough_for_many_services_of_a_namespace(cluster: Cluster, server: FakeApi) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        server.put("services", service(name))
    cluster.follow(*(target(f"default/{name}") for name in names))
    await until(lambda: server.watched(*BOTH))
    assert asked(server) == granted()


def test_rule_in_the_message_about_denied_access_is_that_of_the_role() -> None:
    collections = [slices_of("default", "web"), services_of("default", "web")]
    assert {rule for collection in collections for rule in rule_in_message(collection)} == granted()


def rule_in_message(collection: Collection) -> set[Access]:
    """What a user grants by following the message."""
    rule = YAML(typ="safe").load(re.findall(r"add to a Role there: ({.*})", collection.forbidden("list"))[0])
    return {(collection.namespace, group, resource, verb) for group in rule["apiGroups"]
            for resource in rule["resources"] for verb in rule["verbs"]}
