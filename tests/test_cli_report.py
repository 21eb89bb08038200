"""The page that ``sklearn-mmg scores --report`` writes, also in a browser."""

import base64
import json
import re
import shutil
import subprocess
from functools import partial
from html import unescape

import numpy as np
import pandas as pd
import pytest

from sklearn_mmg import MMGMutualInfo
from sklearn_mmg.cli import main

SCRIPT = "<script>document.title='broken'</script>"
ODD = [SCRIPT, 'a "b" & c', "$x^$", "温度", "a long name of a column " * 4]
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
# What a browser makes of the page, asked by a script that the page itself would not allow.
PROBE = """<script>addEventListener("load", () => {
  const width = document.documentElement, style = getComputedStyle(document.body);
  const found = {title: document.title, images: [...document.images].map(i => i.naturalWidth),
    sources: [...document.images].map(i => i.currentSrc.slice(-400)), scroll: width.scrollWidth,
    client: width.clientWidth, back: style.backgroundColor, rows: document.querySelectorAll(
    "tbody tr").length, bars: [...document.querySelectorAll(".track i")].map(b => b.offsetWidth),
    names: [...document.querySelectorAll("tbody td:first-child")].map(c => c.innerText)};
  document.body.innerHTML = "<pre id=probe></pre>";
  document.getElementById("probe").textContent = JSON.stringify(found);
})</script>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A page about columns of unusual names, and what was printed as JSON."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, len(ODD)))
    y = X[:, 0] + X[:, 1] + rng.normal(size=300)
    pd.DataFrame(X, columns=ODD).assign(target=y).to_csv(folder / "odd.csv", index=False)
    words = ["scores", str(folder / "odd.csv"), "--target", "target", "--quiet", "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_mmg.MMGMutualInfo", partial(MMGMutualInfo, n_steps=5, n_nodes=4))
        assert main([*words, "--report", str(folder / "report.html")]) == 0
    return folder / "report.html"


@pytest.fixture(scope="module")
def html(report):
    return report.read_text(encoding="utf-8")


def pictures(html):
    return [
        base64.b64decode(data).decode()
        for data in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", html)
    ]


def test_names_are_escaped(html):
    assert "<script" not in html
    assert unescape(html).count(SCRIPT) == 1  # in the ranking
    for picture in pictures(html):
        assert "<script" not in picture
    light, dark, *_ = pictures(html)
    assert all("$x^$" in picture and "温度" in picture for picture in (light, dark))


def test_nothing_is_loaded(html):
    addresses = re.findall(r"""(?:src|srcset|href)\s*=\s*["']([^"']*)""", html)
    assert len(addresses) == 4  # two pictures, light and dark
    assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses)
    assert not re.search(r"@import|url\(|https?://", html)
    assert "default-src 'none'" in html


def test_contents(html):
    sections = re.findall(r'<section id="(\w+)">', html)
    assert sections == ["joint", "ranking", "pairs", "curves", "distrust"]
    joint = re.search(
        r"<strong>([\d.]+) nats</strong><br>\s*95&nbsp;% interval ([\d.]+) to ([\d.]+)", html
    )
    value, low, high = map(float, joint.groups())
    assert low < np.log(3) / 2 < high  # two columns as loud as the noise
    assert low < value < high
    assert html.count("<tr><td>") == len(ODD)
    assert "Rows are taken to be independent" in html
    assert "sklearn-mmg scores" in html  # how it was made


def test_missing_values_and_many_columns_are_said(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 27))).rename(columns=str)
    table["day"] = np.where(table["0"] > 0, "x", "z")
    table.loc[3, "1"] = np.nan
    table.to_csv(tmp_path / "wide.csv", index=False)
    monkeypatch.setattr("sklearn_mmg.MMGMutualInfo", partial(MMGMutualInfo, n_steps=5, n_nodes=4))
    words = ["scores", str(tmp_path / "wide.csv"), "--target", "day", "--drop-missing", "--quiet"]
    assert main([*words, "--bits", "--report", str(tmp_path / "wide.html")]) == 0
    html = (tmp_path / "wide.html").read_text(encoding="utf-8")
    assert "1 of 60 rows are left out for missing values" in html
    assert "The target and the 24 columns that tell most of it." in html
    assert "of 27 that tell nothing, some 1 would have one below 0.05" in html
    assert " bits</strong>" in html


def probe(report, tmp_path, *, width, dark):
    """What a browser of so many pixels sees."""
    page = report.read_text(encoding="utf-8")
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', PROBE, page)
    assert open_page != page
    (tmp_path / "page.html").write_text(open_page, encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        "--dump-dom", (tmp_path / "page.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr
    return json.loads(unescape(found[1]))


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 500])  # a window is no narrower
def test_in_a_browser(report, html, tmp_path, width, dark):
    found = probe(report, tmp_path, width=width, dark=dark)
    assert found["title"] == "What the columns of odd.csv tell of target"
    assert found["rows"] == len(ODD)
    assert {name.strip() for name in found["names"]} == {name.strip() for name in ODD}
    assert len(found["images"]) == 2
    assert min(found["images"]) > 100  # pixels, of pictures that could be drawn
    assert found["scroll"] <= found["client"] <= width  # nothing is wider than the window
    assert found["bars"][0] > 3 * found["bars"][2]
    lightness = sum(map(int, re.findall(r"\d+", found["back"])[:3])) / 3
    assert lightness < 60 if dark else lightness > 240
    address = "srcset" if dark else "<img src"
    assert found["sources"][0] == re.search(f'{address}="([^"]+)"', html)[1][-400:]
