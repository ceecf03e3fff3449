"""Where the API server is and which account we use: a pod's service account, or a kubeconfig file.

No message repeats anything of a credential.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException, incluster_config, kube_config, load_incluster_config

from lbproxy.model.errors import ConfigError
from lbproxy.sources.kubernetes.client.api import Load
from lbproxy.text.quoting import escaped

DEFAULT_FILE = "~/.kube/config"
MEMORY = "/dev/shm"  # noqa: S108 - not a fixed name in it
"""Where the library writes private keys, for as long as it takes to read them: it is no disk."""
FILE_KEYS = frozenset({"certificate-authority", "client-certificate", "client-key", "tokenFile"})
"""Entries of a kubeconfig that name a file."""

Signature = tuple[int, ...] | None


def loader(kubeconfig: Path | None = None, context: str | None = None) -> Load:
    """Return what reads the credentials, and notices when they change; it raises `ConfigError`.

    They are the pod's, unless a file or a context is named or this is no pod. Outside a pod the file defaults to
    $KUBECONFIG, then to ~/.kube/config, and the context to the file's current one.
    """
    in_pod = kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ
    return PodLoader() if in_pod else FileLoader(kubeconfig, context)


class PodLoader:
    """Reads a pod's service account. See `Load` and `LoadFromFiles`."""

    def __init__(self) -> None:
        self._seen = FilesSeen()

    async def __call__(self, configuration: Configuration) -> None:
        """See `Load`."""
        # The files are noted before they are read: what changes meanwhile is read again.
        self._seen.note([incluster_config.SERVICE_TOKEN_FILENAME, incluster_config.SERVICE_CERT_FILENAME])
        try:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # it has none
        except (ConfigException, OSError, ValueError) as error:
            why = error if isinstance(error, ConfigException | OSError) else "a file is not text"
            raise ConfigError(f"the pod has no usable service account ({why}); set automountServiceAccountToken: true, "
                              "or name a file with --kubeconfig") from None

    def has_changed(self) -> bool:
        """See `LoadFromFiles`."""
        return self._seen.has_changed()


class FileLoader:
    """Reads a kubeconfig, or several that $KUBECONFIG names. See `Load` and `LoadFromFiles`."""

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        """Raises `ConfigError` if there is no home directory to look into."""
        self._context = context
        self._paths = str(kubeconfig or os.environ.get("KUBECONFIG") or _default_file())
        self._files = [os.path.expanduser(path) for path in self._paths.split(os.pathsep)]  # noqa: PTH111 - as text
        self._seen = FilesSeen()

    async def __call__(self, configuration: Configuration) -> None:
        """See `Load`."""
        self._seen.note(self._files)
        try:
            content = kube_config.KubeConfigMerger(self._paths)
            self._seen.note([*self._files, *_named_files(content.config_files)])
            await kube_config.KubeConfigLoader(content.config, self._context, config_base_path=None,
                                               temp_file_path=_temporary()).load_and_set(configuration)
        except Exception as error:  # noqa: BLE001 - YAML, base64, type and key errors come through, and may quote tokens
            raise ConfigError(f"{escaped(self._paths)}: no usable kubeconfig ({type(error).__name__}); name another "
                              "file with --kubeconfig, or another context with --context") from None

    def has_changed(self) -> bool:
        """See `LoadFromFiles`."""
        return self._seen.has_changed()


class FilesSeen:
    """Files as they were when they were noted."""

    def __init__(self) -> None:
        self._signatures: Mapping[str, Signature] = {}

    def note(self, files: Iterable[str]) -> None:
        """Note how these are now: the complete set."""
        self._signatures = {file: _signature(file) for file in files}

    def has_changed(self) -> bool:
        """Whether any is another now. One that is gone is about to be written again, so the old one still counts."""
        now = {file: _signature(file) for file in self._signatures}
        return any(found is not None and found != self._signatures[file] for file, found in now.items())


def _signature(file: str) -> Signature:
    """Through symbolic links, as Kubernetes swaps one to change all files of a mounted Secret at once."""
    try:
        status = os.stat(file)  # noqa: PTH116 - a path of text
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _named_files(contents: Mapping[str, object]) -> Iterator[str]:
    """Yield the files that kubeconfigs name. `contents` is by path; relative names are relative to that."""
    for path, content in contents.items():
        for name in _names(content):
            yield os.path.join(os.path.dirname(path), name)  # noqa: PTH118, PTH120 - a path of text


def _names(content: object) -> Iterator[str]:
    if isinstance(content, list):
        for item in content:
            yield from _names(item)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key in FILE_KEYS and isinstance(value, str):
                yield value
            yield from _names(value)


def _temporary() -> str | None:
    return MEMORY if os.access(MEMORY, os.W_OK) else None


def _default_file() -> Path:
    try:
        return Path(DEFAULT_FILE).expanduser()
    except RuntimeError:
        raise ConfigError("there is no home directory with a kubeconfig; name one with --kubeconfig") from None
