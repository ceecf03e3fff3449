"""Where the API server is and which account we use: a pod's service account, or a kubeconfig file.

No message repeats anything of a credential.
"""

import os
from pathlib import Path

from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException, load_incluster_config, load_kube_config

from lbproxy.model.errors import ConfigError
from lbproxy.sources.kubernetes.client.api import Load
from lbproxy.text.quoting import escaped

DEFAULT_FILE = "~/.kube/config"


def loader(kubeconfig: Path | None = None, context: str | None = None) -> Load:
    """Return what reads the credentials; it raises `ConfigError`.

    They are the pod's, unless a file or a context is named or this is no pod. Outside a pod the file defaults to
    $KUBECONFIG, then to ~/.kube/config, and the context to the file's current one.
    """
    in_pod = kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ
    return _load_pod if in_pod else _from_file(kubeconfig, context)


async def _load_pod(configuration: Configuration) -> None:
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # it has none
    except (ConfigException, OSError) as error:
        raise ConfigError(f"the pod has no usable service account ({error}); set automountServiceAccountToken: true, "
                          "or name a file with --kubeconfig") from None


def _from_file(kubeconfig: Path | None, context: str | None) -> Load:
    file = str(kubeconfig or os.environ.get("KUBECONFIG") or Path(DEFAULT_FILE).expanduser())

    async def load(configuration: Configuration) -> None:
        try:
            await load_kube_config(file, context, configuration, persist_config=False)
        except Exception as error:  # noqa: BLE001 - YAML, base64, type and key errors come through, and may quote tokens
            raise ConfigError(f"{escaped(file)}: no usable kubeconfig ({type(error).__name__}); name another file with "
                              "--kubeconfig, or another context with --context") from None
    return load
