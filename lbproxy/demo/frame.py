"""Everything that the demo shows at one moment."""

from dataclasses import dataclass

from lbproxy.demo.rows import Row
from lbproxy.demo.story import DemoEvent
from lbproxy.model.address import Address


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment. Durations are seconds."""

    listen: Address
    admin: Address
    moment: float
    """Since the demo began."""
    rows: tuple[Row, ...]
    answered: int
    failed: int
    events: tuple[DemoEvent, ...]
    """The last few, the latest at the end."""

    @property
    def url(self) -> str:
        """Where the balancer listens."""
        return f"http://{self.listen}/"
