"""No balancer: the client goes to the pods itself. What it gets there is the most that any system can show."""

from pathlib import Path

from bench.systems.system import Setup


class Direct:
    """The pods directly."""

    name = "direct"

    def version(self) -> str:
        """Return a dash."""
        return "-"

    def command(self, setup: Setup, folder: Path) -> list[str]:
        """Run nothing, for as long as it takes."""
        del setup, folder
        return ["sleep", "infinity"]

    def change(self, setup: Setup, folder: Path) -> list[str]:
        """Do nothing."""
        del setup, folder
        return ["true"]
