"""Open the built site in a headless browser, and follow its links.

``python .ci/site.py docs/_build/html`` needs Debian's chromium, or one that ``CHROMIUM`` names.
"""

import functools
import os
import shutil
import sys
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

import sklearn_mmg
from sklearn_mmg.datasets import Autoencoder

OPENED = ("index", "start", "method", "which_tool", "architecture", "results", "results/report")
OPENED += ("gallery/index", "pitfall/index", "pitfall/plot_copy", "api/index")
OPENED += ("api/generated/sklearn_mmg.MMGMutualInfo",)


class Marks(HTMLParser):
    """Where a page leads, and what it can be entered by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the attributes of a tag."""
        for name, value in attrs:
            if value and name in ("href", "src"):
                self.targets.add(value)
            elif value and name in ("id", "name"):
                self.anchors.add(value)


def broken_links(site: Path) -> list[str]:
    """Links and sources inside the site whose file or anchor is not there."""
    files = (p for p in sorted(site.rglob("*.html")) if p.parent != site / "_static")
    pages = {path: Marks(path.read_text(encoding="utf-8")) for path in files}
    broken = []
    for path, page in pages.items():
        for target in page.targets:
            url = urlsplit(urljoin(path.relative_to(site).as_posix(), target))
            if url.scheme or url.netloc or url.fragment.startswith(":~:"):
                continue
            file = site / unquote(url.path)
            no_anchor = file in pages and url.fragment
            no_anchor = no_anchor and unquote(url.fragment) not in pages[file].anchors
            if not file.is_file() or no_anchor:
                broken.append(f"{path.relative_to(site)}: {target}")
    return broken


def missing_pages(site: Path) -> list[str]:
    """Public names without a page, and classes whose "?" would lead nowhere."""
    pages = {path.stem for path in (site / "api/generated").glob("*.html")}
    names = {f"sklearn_mmg.{name}" for name in sklearn_mmg.__all__}
    for module in list(names):
        item = getattr(sklearn_mmg, module.split(".")[1])
        if hasattr(item, "__path__"):
            names.remove(module)
            exported = (n for n in item.__all__ if not hasattr(sklearn_mmg, n))
            names |= {f"{module}.{n}" for n in exported}
    names.add(Autoencoder()._doc_link_url_param_generator()["name"])
    return sorted(names - pages)


def open_page(browser: Browser, address: str, **options) -> tuple[Page, list[str]]:
    """A page, and what the browser complains of."""
    page = browser.new_page(**options)
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    page.goto(address, wait_until="load")
    return page, faults


def look(browser: Browser, address: str, shots: Path) -> list[str]:
    """Faults of the pages that are opened; pictures of them are kept."""
    faults = []
    for name in OPENED:
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
            page, found = open_page(
                browser,
                f"{address}/{name}.html",
                color_scheme=scheme,
                viewport={"width": width, "height": 900},
            )
            if empty := page.evaluate(
                "[...document.images].filter(i => i.loading != 'lazy' && !i.naturalWidth)"
                ".map(i => i.src)"
            ):
                found.append(f"pictures that are not there: {empty}")
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append(f"wider than a screen of {width} pixels")
            if page.evaluate("document.documentElement.dataset.theme") != scheme:
                found.append(f"not in the colours of the {scheme} scheme")
            faults += [f"{name}, {scheme}, {width}: {fault}" for fault in found]
            page.screenshot(path=shots / f"{name.replace('/', '-')}-{scheme}-{width}.png")
            page.close()
    page, found = open_page(browser, f"{address}/search.html?q=spiral")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    return faults + [f"search: {fault}" for fault in found]


def serve(site: Path) -> ThreadingHTTPServer:
    """The site at a free port of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args) -> None:
            """No line per request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main(site: Path) -> None:
    """Exit with a list of what is wrong."""
    faults = [f"no page of {name}" for name in missing_pages(site)]
    faults += [f"broken link in {link}" for link in broken_links(site)]
    shots = site.parent / "screenshots"
    shots.mkdir(exist_ok=True)
    browser_path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    server = serve(site)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        faults += look(browser, f"http://127.0.0.1:{server.server_port}", shots)
        browser.close()
    server.shutdown()
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(OPENED)} pages opened, all links of {site} hold; pictures in {shots}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
