"""May we follow Services? Asked of the API server itself (SelfSubjectAccessReview), which grants nothing by it."""

import json
from collections.abc import Iterable
from itertools import product

from lbproxy.doctor.clusters import Cluster
from lbproxy.model.errors import ConfigError
from lbproxy.model.finding import Finding, Verdict
from lbproxy.sources.kubernetes.client.api import Api
from lbproxy.sources.kubernetes.client.api_connection import ApiError, ApiRefusedError, GarbledError
from lbproxy.sources.kubernetes.client.credentials import loader

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RESOURCES = {"endpointslices": "discovery.k8s.io", "services": ""}
"""What is followed, and the API group of each."""
VERBS = ("list", "watch")
WHY = "Services and their EndpointSlices are followed with this account"


async def access(clusters: Iterable[Cluster]) -> list[Finding]:
    """Judge the access to each cluster, one finding for each namespace."""
    return [await _access(cluster) for cluster in dict.fromkeys(clusters)]


async def _access(cluster: Cluster) -> Finding:
    try:
        async with await Api.connect(loader(cluster.kubeconfig, cluster.context)) as api:
            return judged(cluster.namespace, await denials(api, cluster.namespace))
    except ConfigError as error:
        fix = "write --kubeconfig FILE or --context NAME; in a pod, automountServiceAccountToken: true"
        return Finding(_name(cluster.namespace), Verdict.FATAL, str(error), WHY, fix)
    # Before `ApiError`, of which it is one: a server that answers is reached, so the advice is another.
    except ApiRefusedError as error:
        fix = "use credentials that it takes: --kubeconfig FILE, --context NAME, or the pod's serviceAccountName"
        return Finding(_name(cluster.namespace), Verdict.FATAL, str(error), WHY, fix)
    except ApiError as error:
        fix = "see that the server's address is right and no NetworkPolicy in the way: kubectl get --raw /readyz"
        return Finding(_name(cluster.namespace), Verdict.FATAL, str(error), WHY, fix)


async def denials(api: Api, namespace: str) -> list[tuple[str, str]]:
    """Give what is not allowed, as (verb, resource). Raises `ApiError`."""
    return [(verb, resource) for resource, verb in product(RESOURCES, VERBS)
            if not await _is_allowed(api, {"namespace": namespace, "verb": verb, "resource": resource,
                                           "group": RESOURCES[resource]})]


async def _is_allowed(api: Api, asked: dict[str, str]) -> bool:
    answer = await api.post(REVIEWS, {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                                      "spec": {"resourceAttributes": asked}})
    try:
        # `is True`: an answer of another type must not read as a permission.
        return json.loads(answer)["status"]["allowed"] is True
    except (ValueError, TypeError, KeyError):
        raise GarbledError("the API server's answer can't be read") from None


def _name(namespace: str) -> str:
    return f"access to {namespace}"


def judged(namespace: str, denied: Iterable[tuple[str, str]]) -> Finding:
    """Judge what is not allowed; the fix is a Role and its binding."""
    name, missing = _name(namespace), [f"{verb} {resource}" for verb, resource in denied]
    if not missing:
        return Finding(name, Verdict.OK, "list and watch of endpointslices and services are allowed", WHY)
    return Finding(name, Verdict.FATAL, f"not allowed: {', '.join(missing)}", WHY, _fix(namespace))


def _fix(namespace: str) -> str:
    return (f"kubectl -n {namespace} create role lbproxy --verb=list,watch "
            "--resource=endpointslices.discovery.k8s.io,services && "
            f"kubectl -n {namespace} create rolebinding lbproxy --role=lbproxy --serviceaccount=NAMESPACE:ACCOUNT "
            "(those of the pod of lbproxy; deploy/userspace/rbac.yaml as a file)")
