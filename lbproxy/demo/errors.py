"""What can go wrong with the demo itself."""

from lbproxy.model.errors import LbproxyError


class DemoError(LbproxyError):
    """It can't go on; the text says why, and ends with what the process concerned wrote."""
