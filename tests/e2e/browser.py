"""Debian's Chromium, driven for the page tests: sizes, schemes, what it logged and asked for."""
import base64
import json
import os
import pathlib
import tempfile

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.common.exceptions import SessionNotCreatedException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from waiting import PATIENCE, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCREENSHOTS = pathlib.Path(os.environ.get("ENTENTE_BUILD", str(ROOT / "build"))) / "screenshots"
AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What passes is of no interest, and takes axe most of its time to tell.
AXE_RUN = """
    const [tags, done] = arguments, told = (items) => items.map(({ id, nodes }) => [
      id, nodes.slice(0, 5).map(({ target, html }) => [target, html])]);
    axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations', 'incomplete'] })
      .then((found) => done({ violations: told(found.violations), incomplete: told(found.incomplete) }),
            (error) => done({ violations: [String(error)], incomplete: [] }));"""
CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
STARTS = 3
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage"]


def available():
    return pathlib.Path(CHROMIUM).exists() and pathlib.Path(DRIVER).exists()


class Browser:
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="entente-chromium-",
                                                   ignore_cleanup_errors=True)
        options = Options()
        options.binary_location = CHROMIUM
        for flag in FLAGS + [f"--user-data-dir={self.profile.name}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # The form of a date that is typed is the language's, and the day and hour the time zone's.
        own = {**os.environ, "LANGUAGE": "en_US", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        for left in reversed(range(STARTS)):
            try:
                self.driver = webdriver.Chrome(service=Service(DRIVER, env=own), options=options)
                break
            except SessionNotCreatedException:  # it has a minute to start, of any machine
                if not left:
                    raise
        self.driver.set_script_timeout(PATIENCE)

    def close(self):
        self.driver.quit()
        self.profile.cleanup()

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def show(self, width=1280, height=900, scheme="light", forced="none"):
        """
        The window's size below what a real one allows, the reader's colour scheme, and whether
        the system's own colours replace the page's ("active").
        """
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=width < 600)
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": scheme},
                               {"name": "forced-colors", "value": forced}])

    def open(self, path, query=""):
        """Loads a file afresh and waits until its script has drawn the page or cannot."""
        self.drain()
        self.driver.get("about:blank")
        self.driver.get(pathlib.Path(path).as_uri() + query)
        self.js("return new Promise(done => requestAnimationFrame(() => setTimeout(done, 30)))")

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, expression):
        """Waits until a JavaScript expression is true; says which one never was."""
        problem = []

        def holds():
            try:
                return self.js(f"return Boolean({expression})")
            except WebDriverException as error:  # it is on its way to another page
                problem[:] = [error.msg]
                return False

        until(holds, what=f"in the page: {expression}", why=lambda: " ".join(problem))

    def axe(self):
        """What axe objects to in the page ("violations"), and what it cannot judge ("incomplete")."""
        if not self.js("return !!window.axe"):
            self.js(AXE.read_text())
        return self.driver.execute_async_script(AXE_RUN, AXE_TAGS)

    def drain(self):
        self.driver.get_log("browser")
        self.driver.get_log("performance")

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Addresses that the page asked for since it was opened, itself left out."""
        seen = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                if message["params"].get("type") != "Document":
                    seen.append(message["params"]["request"]["url"])
        return seen

    def screenshot(self, path, full=False):
        height = self.js("return document.documentElement.scrollHeight") if full else None
        clip = None
        if full:
            clip = {"x": 0, "y": 0, "width": self.js("return innerWidth"),
                    "height": min(height, 12000), "scale": 1}
        parameters = {"format": "png", "captureBeyondViewport": full}
        if clip:
            parameters["clip"] = clip
        data = self.command("Page.captureScreenshot", **parameters)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path):
        data = self.command("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))
