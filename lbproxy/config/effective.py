"""The configuration in effect: what the program uses, and what `lbproxy check` prints."""

from collections.abc import Container, Iterable, Mapping
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from lbproxy.config.option_names import kebab
from lbproxy.config.options import (
    OPTIONS,
    DnsOptions,
    IpvsOptions,
    KubernetesOptions,
    LogOptions,
    Options,
    ProcessOptions,
    ServiceOptions,
    kind_of,
)
from lbproxy.config.services import ServiceConfig
from lbproxy.model.address import Address
from lbproxy.model.snapshot import HealthPolicy, Policy, Services, ServiceSpec


class Config(LogOptions, IpvsOptions, ProcessOptions, KubernetesOptions, DnsOptions, ServiceOptions):
    """Every option, with its default where it was not set. Immutable. Durations are seconds."""

    services: tuple[ServiceConfig, ...] = ()
    """The services. Their names are unique, and no two listen on one address."""

    config_file: Path | None = None
    """A YAML file: services, each of name, listen and backends, and any option below without its dashes."""

    @property
    def admin_address(self) -> Address | None:
        """The TCP address of the admin server; None if it has none."""
        return next((one for one in self.admin if isinstance(one, Address)), None)

    def specs(self) -> Services:
        """Return every service by its name, with a complete policy, and of its endpoints those listed by address."""
        return {service.name: ServiceSpec(service.name, service.listen, service.endpoints(),
                                          _policy(self._options_of(service)),
                                          is_known=not service.is_resolved())
                for service in self.services}

    def to_yaml(self, hidden: Container[str] = ()) -> str:
        """Return a file that has the same effect as this configuration, with the defaults written out.

        `hidden` names options that are left out unless they were set: those for which the file would be refused.
        """
        names = [name for name in OPTIONS if name in self.model_fields_set or name not in hidden]
        return _dumped({**_shown(self, names), "services": [_service(service) for service in self.services]})

    def _options_of(self, service: ServiceConfig) -> ServiceOptions:
        # What was written, not what differs: an option that a service sets to the default must win over the top level.
        own = service.model_fields_set
        return ServiceOptions.model_construct(**{
            name: getattr(service if name in own else self, name) for name in ServiceOptions.model_fields})


def _policy(options: ServiceOptions) -> Policy:
    health = HealthPolicy(options.health_interval, options.health_timeout,
                          options.health_rise, options.health_fall)
    return Policy(
        scheduler=options.scheduler,
        max_conns=options.max_conns,
        queue=options.queue,
        queue_timeout=options.queue_timeout,
        connect_timeout=options.connect_timeout,
        connect_retries=options.connect_retries,
        idle_timeout=options.idle_timeout,
        half_close_timeout=options.half_close_timeout,
        drain_timeout=options.drain_timeout,
        health=health,
    )


def _service(service: ServiceConfig) -> Mapping[str, object]:
    own = [name for name in ServiceOptions.model_fields if name in service.model_fields_set]
    return {
        "name": service.name,
        "listen": [str(address) for address in service.listen],
        **_backends(service),
        **_shown(service, own),
    }


def _backends(service: ServiceConfig) -> Mapping[str, object]:
    """Return the key that names the backends: `kubernetes`, or the list."""
    if service.kubernetes is None:
        return {"backends": [str(backend) for backend in service.backends]}
    return {"kubernetes": _shown_set(service.kubernetes)}


def _shown_set(options: Options) -> Mapping[str, object]:
    """Return the keys that were given."""
    fields = type(options).model_fields
    return {kebab(name): kind_of(fields[name]).show(getattr(options, name)) for name in fields
            if name in options.model_fields_set}


def _shown(options: Options, names: Iterable[str]) -> Mapping[str, str | int]:
    return {kebab(name): kind_of(OPTIONS[name]).show(getattr(options, name)) for name in names}


def _dumped(document: Mapping[str, object]) -> str:
    writer, text = YAML(), StringIO()
    writer.indent(sequence=4, offset=2)
    writer.dump(document, text)
    return text.getvalue()
