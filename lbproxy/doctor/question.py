"""What a doctor is asked: for which dataplane, and what lbproxy would have to do there. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lbproxy.model.address import Address


class Asked(StrEnum):
    """For which dataplane; auto is ipvs where it works, else userspace."""

    USERSPACE = "userspace"
    IPVS = "ipvs"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A namespace whose Services are followed, and with which credentials; None is where they usually are."""

    namespace: str
    kubeconfig: Path | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Without a service, what needs one isn't checked."""

    asked: Asked = Asked.USERSPACE
    listens: tuple[Address, ...] = ()
    """Where services listen."""
    admin: Address | None = None
    """Where the admin server listens, which is never IPVS's business."""
    schedulers: tuple[str, ...] = ("lc",)
    clusters: tuple[Cluster, ...] = ()
