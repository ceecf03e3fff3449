"""Options, environment and file in; a complete `Config` or one `ConfigError` out. A reload is the same once more."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lbproxy.config.conflicts import conflicts
from lbproxy.config.document import Document, read
from lbproxy.config.effective import Config
from lbproxy.config.layers import Layers, merge_layers
from lbproxy.config.option_names import CONFIG_VARIABLE
from lbproxy.config.source_map import Problem, config_error
from lbproxy.config.validation_errors import problems_in

Check = Callable[[Config], Iterable[Problem]]


def unchecked(_: Config) -> Iterable[Problem]:
    """Check nothing beyond the fields themselves."""
    return ()


@dataclass(frozen=True)
class Loader:
    """Remembers options and environment of the start, so that the file can be read again under the same ones."""

    options: Mapping[str, object]
    environment: Mapping[str, str]
    path: Path | None
    needs_service: bool = True
    """Whether a configuration without any service is a mistake."""
    check: Check = unchecked
    """Finds what else is wrong; see `load`."""

    def load(self) -> Config:
        """Load again, with the file as it is now. Raises `ConfigError`."""
        return load(self.options, self.environment, self.path, needs_service=self.needs_service,
                    check=self.check)


def load(options: Mapping[str, object], environment: Mapping[str, str], path: Path | None, *,
         needs_service: bool = True, check: Check = unchecked) -> Config:
    """Return the configuration in effect. Raises `ConfigError`, whose text is one line.

    `options` are those given on the command line, by field name (`connect_timeout`, `listen`, `backend`),
    as text or as values. `path` is the file; without it `LBPROXY_CONFIG` names one, if set.
    `needs_service`: whether a configuration without any service is a mistake. `check` gives what is wrong although each
    value is right: what the dataplane can't honour, of which nothing is known here.
    """
    file = path or (Path(name) if (name := environment.get(CONFIG_VARIABLE, "")) else None)
    layers = merge_layers(options, environment, read(file) if file else Document(), needs_service=needs_service)
    config = _validated(layers)
    if problems := [*layers.problems, *check(config), *conflicts(config)]:
        raise config_error(problems, layers.source_map)
    # Not an option of the file: a file must not say where it is.
    return config.model_copy(update={"config_file": file})


def _validated(layers: Layers) -> Config:
    try:
        return Config.model_validate(layers.values)
    except ValidationError as error:
        raise config_error([*layers.problems, *problems_in(error)], layers.source_map) from None
