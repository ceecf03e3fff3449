"""The page in a real browser, on a real lbproxy with real backends. Its pictures are kept in build/screenshots."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from lbproxy.model.address import Address
from tests.support.peers import Backend
from tests.support.program import Program
from tests.support.scene import Scene, web

from .browser import CHROMIUM, DESKTOP, PHONE, Visit, chromium
from .load import load

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

CROWD = 1000
SLUGGISH = 0.2
"""Seconds of CPU time of the main thread per second: below it, typing and scrolling stay smooth."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


async def visit(browser: Browser, program: Program, *, is_phone: bool = False, is_dark: bool = False) -> Visit:
    page = await browser.new_page(viewport=PHONE if is_phone else DESKTOP, device_scale_factor=2 if is_phone else 1,
                                  color_scheme="dark" if is_dark else "light", is_mobile=is_phone)
    found = Visit(page, program.admin)
    await found.go()
    return found


async def test_backend_that_dies_and_comes_back_shows_without_a_reload(
        scene: Scene, listen: Address, browser: Browser) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo))
    page = await visit(browser, program)
    await page.sees(f"{page.row(alpha.address)} .pill", "active")
    alpha.stop()
    await page.sees(f"{page.row(alpha.address)} .pill", "down")
    await page.sees(f"{page.row(alpha.address)} .why", "check failed: refused")
    await page.sees(".event", "check failed: refused")
    await page.sees("[data-tile=backends]", "1 down")
    await alpha.start(port=alpha.address.port)
    await page.sees(f"{page.row(alpha.address)} .pill", "active")
    await page.sees("[data-tile=backends]", "all active")
    assert page.complaints == []


async def test_traffic_shows_as_numbers_bars_and_curves(scene: Scene, listen: Address, browser: Browser) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    page = await visit(browser, program)
    async with load(listen, 3) as seen:
        await scene.client(listen)
        await seen.more(50)
        await page.until("document.querySelectorAll('.curve .line')[0].getAttribute('d').length > 60")
        await page.sees(".curve", "ms")
        await page.until("parseFloat(document.querySelector('.row .rate').innerText) > 0")
        assert "scaleX(0)" not in str(await page.page.locator(".row .fill").first.get_attribute("style"))
    assert page.complaints == []


async def test_filter_and_states_show_only_what_matches(scene: Scene, listen: Address, other_listen: Address,
                                                   browser: Browser) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha), web(other_listen, bravo, name="api"))
    page = await visit(browser, program)
    await page.page.keyboard.press("/")
    await page.page.keyboard.type("api")
    await page.until("document.querySelectorAll('.card .backends').length === 1")
    assert await page.texts(".card h2 a") == ["api", "Latest events"]
    await page.page.keyboard.press("Escape")
    await page.until("document.querySelectorAll('.card .backends').length === 2")
    await page.page.locator(".chip", has_text="down").click()
    await page.sees(".empty", "Nothing matches the filter.")
    assert page.complaints == []


async def test_page_of_a_service_can_be_shared_and_explains_a_backend(
        scene: Scene, listen: Address, browser: Browser) -> None:
    alpha, bravo = await scene.backends("alpha", "bravo")
    program = await scene.serve(web(listen, alpha, bravo))
    page = await visit(browser, program)
    await page.page.locator(page.row(bravo.address)).locator("a.address").focus()
    await page.page.keyboard.press("Enter")
    await page.sees(".explanation .says", "the configuration lists it")
    shared = page.page.url
    assert shared.endswith(f"#/service/web/{str(bravo.address).replace(':', '%3A')}")
    other = await visit(browser, program)
    await other.go(shared.partition("/#")[2].join(["#", ""]))
    await other.sees(".explanation h2", str(bravo.address))
    await other.sees(".explanation .says", "lc chooses the backend with the fewest connections")
    bravo.stop()
    await other.sees(".explanation li[data-decisive=true]", "the last check failed (refused)")
    await other.page.keyboard.press("Escape")
    await other.page.wait_for_selector(".explanation", state="detached")
    assert page.complaints + other.complaints == []


async def test_page_sends_requests_only_to_lbproxy_under_a_strict_policy(
        scene: Scene, listen: Address, browser: Browser) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    page = await visit(browser, program)
    for view in ("events", "service/web", f"service/web/{alpha.address}", "service/none", "service/%", "x"):
        await page.go(f"#/{view}")
    assert page.requested == {f"http://{program.admin}"}
    assert page.complaints == []
    await page.page.evaluate("""() => {
        document.body.append(Object.assign(document.createElement("script"), {textContent: "x = 1"}));
    }""")
    assert await page.page.evaluate("typeof x") == "undefined"
    assert "Content Security Policy" in page.complaints[0]


async def test_page_reconnects_after_lbproxy_is_started_again(scene: Scene, listen: Address, browser: Browser) -> None:
    alpha, = await scene.backends("alpha")
    program = await scene.serve(web(listen, alpha))
    page = await visit(browser, program)
    await program.kill()
    await page.sees("#live", "reconnecting")
    await page.sees("#standing", "no answer")
    await page.sees("#banner", "lbproxy does not answer; what is shown is the last that it said")
    assert "workers" not in " ".join(await page.texts("#program"))
    again = await scene.start(admin=program.admin)
    await again.logged("serving")
    await page.page.wait_for_selector("#live[data-live=live]")
    await page.page.wait_for_selector("#standing[data-ready=true]")
    await page.sees(f"{page.row(alpha.address)} .pill", "active")


async def test_pictures_light_dark_and_narrow(scene: Scene, listen: Address, other_listen: Address,
                                              browser: Browser) -> None:
    alpha, bravo, charlie = await scene.backends("alpha", "bravo", "charlie")
    program = await scene.serve(web(listen, alpha, bravo, charlie),
                                web(other_listen, alpha, bravo, name="api", scheduler="wlc"))
    page = await visit(browser, program)
    for address in (listen, other_listen):
        await scene.served_by(address, 9)
    charlie.stop()
    await page.sees(f"{page.row(charlie.address)} .pill", "down")
    async with load(listen, 4) as seen:
        await seen.more(200)
        for name, is_phone, is_dark in (("light", False, False), ("dark", False, True), ("narrow", True, False)):
            shown = await visit(browser, program, is_phone=is_phone, is_dark=is_dark)
            await shown.until("document.querySelector('.curve .line').getAttribute('d').length > 20")
            await shown.keep(name, is_whole=is_phone)
            await shown.go(f"#/service/web/{charlie.address}")
            await shown.sees(".explanation .says", "the last check failed")
            await shown.keep(f"{name}-service", is_whole=True)
            width, seen_width = await shown.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert width <= seen_width, "it must not scroll sideways"
        await page.go("#/events")
        await page.keep("events")


async def test_thousand_backends_stay_smooth(scene: Scene, listen: Address, browser: Browser) -> None:
    crowd = await Backend("crowd").start("0.0.0.0")
    port = crowd.address.port
    addresses = [f"127.{200 + number // 250}.7.{number % 250 + 1}:{port}" for number in range(CROWD)]
    entry = {"name": "crowd", "listen": [str(listen)], "backends": addresses}
    program = await scene.serve(entry, health_interval="10s")
    page = await visit(browser, program)
    await page.go("#/service/crowd")
    async with load(listen, 3) as seen:
        await page.sees(".note", f"{CROWD:,} backends")
        await seen.more(CROWD)
        before, used = await page.time(), await page.cpu_seconds()
        await page.until(f"document.querySelector('main').dataset.time > {before + 4000}")
        told, used = (await page.time() - before) / 1000, await page.cpu_seconds() - used
        await page.keep("thousand")
        assert await page.page.evaluate("document.querySelectorAll('.body .row').length") == CROWD
        await page.page.locator(".search").fill("127.203.7.250")
        await page.until("document.querySelectorAll('.body .row').length === 1")
    await crowd.close()
    assert used / told < SLUGGISH
    assert page.complaints == []
