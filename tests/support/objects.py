"""EndpointSlices and Services as the API gives them, in few words."""

from collections.abc import Mapping, Sequence

Json = dict[str, object]

READY: Json = {"ready": True, "serving": True, "terminating": False}
NOT_READY: Json = {"ready": False, "serving": False, "terminating": False}
LEAVING: Json = {"ready": False, "serving": True, "terminating": True}
LEAVING_BROKEN: Json = {"ready": False, "serving": False, "terminating": True}


def endpoint(address: str, conditions: Mapping[str, object] | None = None, zones: Sequence[str] = ()) -> Json:
    hints = {"hints": {"forZones": [{"name": zone} for zone in zones]}} if zones else {}
    return {"addresses": [address], "conditions": dict(READY if conditions is None else conditions), **hints}


def port(number: object = 8080, name: object = "http", protocol: object = "TCP") -> Json:
    return {"name": name, "port": number, "protocol": protocol}


def a_slice(*endpoints: Json, name: str = "web-1", ports: Sequence[Json] | None = None, **other: object) -> Json:
    return {"metadata": {"name": name, "labels": {"kubernetes.io/service-name": "web"}}, "addressType": "IPv4",
            "ports": list(ports) if ports is not None else [port()], "endpoints": list(endpoints), **other}


def service(name: str = "web", ports: Sequence[Json] | None = None, **spec: object) -> Json:
    chosen = list(ports) if ports is not None else [port(80)]
    return {"metadata": {"name": name}, "spec": {"type": "ClusterIP", "ports": chosen, **spec}}
