"""`lbproxy doctor`: say whether it would work here, how well, and what to type to make it better."""

from dataclasses import replace
from pathlib import Path

import click

from lbproxy.cli.settings import SettingsCommand
from lbproxy.config import Config, Loader
from lbproxy.doctor.question import Asked, Cluster, Question
from lbproxy.model.errors import ConfigError
from lbproxy.text.quoting import listed, quoted


def _doctor(loader: Loader, dataplane: str | None, *, json: bool) -> int:
    if dataplane is not None:
        loader = replace(loader, options={**loader.options, "dataplane": _asked(dataplane).value})
    question = _question(loader.load())
    from lbproxy.doctor import run  # noqa: PLC0415 - a mistake is reported before the slow imports

    return run(question, as_json=json)


def _asked(text: str) -> Asked:
    try:
        return Asked(text)
    except ValueError:
        raise ConfigError(f"--dataplane: {quoted(text)} is unknown; write {listed(Asked)}") from None


def _question(config: Config) -> Question:
    specs = config.specs().values()
    return Question(
        Asked(config.dataplane),
        tuple(listen for spec in specs for listen in spec.listens),
        config.admin_address,
        tuple(dict.fromkeys(str(spec.policy.scheduler) for spec in specs)) or (str(config.scheduler),),
        tuple(dict.fromkeys(_cluster(config, service.kubernetes.service[0])
                            for service in config.services if service.kubernetes)),
    )


def _cluster(config: Config, namespace: str) -> Cluster:
    return Cluster(namespace, Path(config.kubeconfig) if config.kubeconfig else None, config.context or None)


command = SettingsCommand(
    "doctor", _doctor,
    "Check whether lbproxy would work here, and say for all that could be better what to type. Touches no traffic and "
    "changes nothing. Exit code: 0 all is well, 1 it works but could be better, 2 it won't work.",
    own=[
        click.Option(["--dataplane"], metavar="|".join(Asked),
                     help="For which one; auto: say which one it would be.  [default: what the configuration says; "
                          "LBPROXY_DATAPLANE]"),
        click.Option(["--json"], is_flag=True, help="Print one JSON object, for scripts."),
    ],
    needs_service=False,
)
