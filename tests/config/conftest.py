from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lbproxy.config import Config, load
from lbproxy.model.errors import ConfigError
from lbproxy.runtime.dataplanes import DATAPLANES

ONE_SERVICE: Mapping[str, object] = {"listen": ("127.0.0.1:80",), "backend": ("127.0.0.1:9001",)}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    """Write lbproxy.yaml into the working directory, so that messages name it just so."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes) -> Path:
        path = Path("lbproxy.yaml")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def load_file(write: Callable[[str | bytes], Path]) -> Callable[[str], Config]:
    return lambda content: load({}, {}, write(content), check=DATAPLANES.problems)


@pytest.fixture
def refusal_of_file(write: Callable[[str | bytes], Path]) -> Callable[[str | bytes], str]:
    def refusal(content: str | bytes) -> str:
        with pytest.raises(ConfigError) as error:
            load({}, {}, write(content), check=DATAPLANES.problems)
        return str(error.value)

    return refusal


@pytest.fixture
def refusal() -> Callable[..., str]:
    """Load one good service with these options and variables; give the line that refuses them."""
    def refusal(options: Mapping[str, object] = ONE_SERVICE,
                environment: Mapping[str, str] | None = None, path: Path | None = None) -> str:
        with pytest.raises(ConfigError) as error:
            load(options, environment or {}, path, check=DATAPLANES.problems)
        return str(error.value)

    return refusal
