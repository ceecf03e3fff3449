"""The reference of what a service of the file has besides options."""

from collections.abc import Iterator

from lbproxy.config.kubernetes import KubernetesConfig
from lbproxy.config.option_names import kebab
from lbproxy.config.options import Options, ServiceOptions
from lbproxy.config.services import BackendConfig, ServiceConfig

from .blocks import table

WITHIN = (("services[]", ServiceConfig), ("services[].backends[]", BackendConfig),
          ("services[].kubernetes", KubernetesConfig))


def services() -> str:
    """Write one table of all keys."""
    rows = [row for place, model in WITHIN for row in _rows(place, model)]
    return table(("key", "needed", "meaning"), rows)


def _rows(place: str, model: type[Options]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if name not in ServiceOptions.model_fields:
            yield f"`{place}.{kebab(name)}`", "yes" if field.is_required() else "", str(field.description)
