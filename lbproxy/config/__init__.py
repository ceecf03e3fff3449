"""What lbproxy is told to do: options, environment variables and a YAML file, validated as one.

Reads neither argv nor the environment: `lbproxy.cli` passes both in.
"""

from lbproxy.config.effective import Config
from lbproxy.config.loading import Loader, load
from lbproxy.config.services import BackendConfig, ServiceConfig

__all__ = ["BackendConfig", "Config", "Loader", "ServiceConfig", "load"]
