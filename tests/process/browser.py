"""A real Chromium, headless, that sends no requests of its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, CDPSession, Page, ViewportSize, async_playwright

from lbproxy.model.address import Address
from tests.support.patience import PATIENCE

CHROMIUM = shutil.which("chromium")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")
"""Chromium has no sandbox for root; the other flags stop its own requests (updates, components, sync)."""
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
DESKTOP, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)


class Visit:
    """One page of one lbproxy, with its console messages and the hosts that it asked."""

    def __init__(self, page: Page, admin: Address) -> None:
        self.page, self._root = page, f"http://{admin}"
        self.complaints: list[str] = []
        """Messages of the console, and uncaught errors."""
        self.requested: set[str] = set()
        """Origins that the page sent requests to: scheme, host and port."""
        self._session: CDPSession | None = None
        page.set_default_timeout(PATIENCE * 1000)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requested.add("{0.scheme}://{0.netloc}".format(urlsplit(request.url))))

    async def go(self, fragment: str = "#/") -> None:
        """Open a view and wait until it is drawn."""
        await self.page.goto(f"{self._root}/{fragment}")
        await self.page.wait_for_selector("main[data-time]")

    async def sees(self, selector: str, text: str) -> None:
        """Wait until an element contains this text."""
        await self.page.locator(selector).filter(has_text=text).first.wait_for()

    async def until(self, expression: str) -> None:
        """Wait until this is true in the page. (Playwright's own wait needs eval, which the page's policy forbids.)"""
        async with asyncio.timeout(PATIENCE):
            while not await self.page.evaluate(expression):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)

    async def texts(self, selector: str) -> list[str]:
        """The texts of all such elements."""
        return await self.page.locator(selector).all_inner_texts()

    async def time(self) -> int:
        """The time of the state that it shows, in milliseconds since 1970."""
        return int(await self.page.evaluate("document.querySelector('main').dataset.time"))

    async def cpu_seconds(self) -> float:
        """What its main thread has used so far."""
        if self._session is None:
            self._session = await self.page.context.new_cdp_session(self.page)
            await self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        metrics = (await self._session.send("Performance.getMetrics"))["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    async def keep(self, name: str, *, is_whole: bool = False) -> None:
        """Take a picture, for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=is_whole, animations="disabled")

    def row(self, address: Address) -> str:
        """Select a backend's row."""
        return f'.row:has(a.address:text-is("{address}"))'


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run it, with a profile that is made for this and forgotten."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
