"""The options of `run`, `check` and `doctor`, made from the fields of the configuration; their help, in sections."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import click
from pydantic.fields import FieldInfo

from lbproxy.config import Config, Loader, ServiceConfig
from lbproxy.config.loading import Check
from lbproxy.config.option_names import option, variable
from lbproxy.config.options import GROUPS, kind_of
from lbproxy.dataplanes.catalog import Dataplanes
from lbproxy.model.errors import ConfigError

_EPILOG = """\
A DURATION is written 500ms, 2s, 1m or 1h30m. An option beats its environment variable, which beats the top
level of the file, which beats the default. What a service in the file sets for itself beats all of them."""


class SettingsCommand(click.Command):
    """A command with every option of the configuration. Its callback gets a `Loader`, which has not read them yet.

    `own` options are the command's alone: they are passed to the callback by name. `dataplanes` are those to choose
    from. With `needs_service` a configuration without a service is an error of the user.
    """

    def __init__(self, name: str, callback: Callable[..., int], summary: str,  # noqa: PLR0913 - what commands differ in
                 dataplanes: Dataplanes, *, own: Sequence[click.Option] = (), needs_service: bool = True) -> None:
        names = {str(option.name) for option in own}
        self._sections = {**({name.capitalize(): [*own]} if own else {}), "Services": _services(),
                          **{group.title: _options(group.model_fields.items(), dataplanes) for group in GROUPS}}
        params: list[click.Parameter] = [each for options in self._sections.values() for each in options]
        super().__init__(name, params=params, help=summary, epilog=_EPILOG,
                         callback=lambda **given: callback(
                             _loader({key: value for key, value in given.items() if key not in names},
                                     dataplanes.problems, needs_service=needs_service),
                             **{key: given[key] for key in names}))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section after the other, in the order of GROUPS."""
        for title, options in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([record for each in options if (record := each.get_help_record(ctx))])


def _services() -> list[click.Option]:
    """Return the options that are not named like their fields."""
    service = ServiceConfig.model_fields
    return [
        _option("config", Config.model_fields["config_file"], "FILE"),
        _option("listen", service["listen"], "ADDRESS", is_repeatable=True),
        _option("backend", service["backends"], "ADDRESS|NAME:PORT[,weight=N]", is_repeatable=True),
        _option("service", service["kubernetes"], "NAMESPACE/NAME[:PORT]"),
    ]


def _options(fields: Iterable[tuple[str, FieldInfo]], dataplanes: Dataplanes) -> list[click.Option]:
    return [_option(name, field, _metavar(name, field, dataplanes), default=_default(field), note=dataplanes.note(name),
                    is_repeatable=kind_of(field).is_repeatable) for name, field in fields]


def _metavar(name: str, field: FieldInfo, dataplanes: Dataplanes) -> str:
    return "|".join(dataplanes.words) if name == "dataplane" else kind_of(field).metavar


def _option(name: str, field: FieldInfo, metavar: str, *,  # noqa: PLR0913 - what is seen of one
            is_repeatable: bool = False, default: str = "", note: str = "") -> click.Option:
    notes = [f"default: {default}" if default else "", "repeatable" if is_repeatable else "", variable(name)]
    help_text = f"{' '.join(filter(None, (field.description, note)))}  [{'; '.join(filter(None, notes))}]"
    if not metavar:
        return click.Option([option(name)], is_flag=True, flag_value="true", default=None, type=str, help=help_text)
    return click.Option([option(name)], metavar=metavar, multiple=is_repeatable, help=help_text)


def _default(field: FieldInfo) -> str:
    return "auto" if field.default_factory else str(kind_of(field).show(field.default))


def _loader(given: Mapping[str, object], check: Check, *, needs_service: bool) -> Loader:
    """Separate the file's name from the options; the environment is read here and nowhere else."""
    file = given["config"]
    if file == "":
        raise ConfigError("--config: the name is empty; write the path of a file")
    options = {name: value for name, value in given.items() if name != "config"}
    return Loader(options, dict(os.environ), None if file is None else Path(str(file)), needs_service, check)
