"""Options, environment variables and a YAML file, validated as one configuration.

It reads neither argv nor the environment: `lbproxy.cli` passes both in.
"""

from lbproxy.config.effective import Config
from lbproxy.config.loading import Loader, load
from lbproxy.config.services import BackendConfig, ServiceConfig

__all__ = ["BackendConfig", "Config", "Loader", "ServiceConfig", "load"]
