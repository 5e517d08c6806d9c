# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cluster and a browser that looks at its pages, for the tests of this folder.

    class MyTest (browser.TestCase):
        def test_something (self):
            self.sign_in ("vera")
            self.go ("/library")
            self.click ("link", "Sintel")

What a page does wrong in silence fails its test: an error on the console, a violation of the policy. Elements are found by role and
accessible name, as a screen reader finds them. Screenshots go to build/screenshots. Without Chromium, its driver, selenium or pages
the tests are skipped.

The classes of a file share one Chromium. Each test begins without cookies and without anything that a page has stored.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import wave

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import cluster  # noqa: E402

try:
    from selenium import webdriver
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = None

PASSWORD = "a sentence to sign in"
# of windows, in CSS pixels
SIZES = {"desk": (1366, 860), "phone": (390, 844), "narrow": (360, 740), "wall": (3840, 2160)}
SCREENSHOTS = cluster.BUILD / "screenshots"
STAGE = cluster.BUILD / "web" / "stage"
WAIT_S = 30
# a second, of films
FRAMES = 10
# what a test does on purpose; the page shows it
EXPECTED = ("/api/v1/me - Failed to load resource: the server responded with a status of 401",)

# the elements with a role, by the accessible name that the browser has computed
ROLES = {
    "button": "button, [role=button]", "link": "a[href]", "heading": "h1, h2, h3", "textbox": "input[type=text], input[type=password], input[type=search]",
    "slider": "[role=slider], input[type=range]", "combobox": "select", "region": "[role=region], section",
}


def find_missing():
    """Why there are no tests of the browser on this machine; None: all is here."""
    if webdriver is None:
        return "python3-selenium is not installed"
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return "%s is not installed" % program
    if not (STAGE / "out" / "index.html").exists():
        return "this build has no pages (npm)"
    return None


def start_browser(folder, language="en-US", scheme="light", arguments=()):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio", "--hide-scrollbars", "--force-prefers-reduced-motion",
                     "--autoplay-policy=no-user-gesture-required", "--no-proxy-server", "--force-prefers-color-scheme=" + scheme,
                     "--lang=" + language, "--user-data-dir=" + str(folder), *arguments):
        options.add_argument(argument)
    # its sandbox does not start as root
    if os.getuid() == 0:
        options.add_argument("--no-sandbox")
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
    browser.set_window_size(*SIZES["desk"])
    browser.set_script_timeout(WAIT_S)
    return browser


# of this file's classes, by language and scheme
shared = {}


def end_browser(browser, folder):
    browser.quit()
    shutil.rmtree(folder, ignore_errors=True)


def share_browser(language, scheme):
    """It ends with the file's last class."""
    if (language, scheme) not in shared:
        folder = tempfile.mkdtemp(prefix="pmss-profile-")
        browser = start_browser(folder, language, scheme)
        unittest.addModuleCleanup(end_browser, browser, folder)
        shared[language, scheme] = browser
    return shared[language, scheme]


def make_film(path, seconds=60):
    """A film that this browser plays: VP8 and Vorbis in WebM, a key frame each second; GStreamer's good plugins make it.
    It has few frames, so that it is quickly made."""
    subprocess.run(
        ["gst-launch-1.0", "-q", "webmmux", "name=mux", "!", "filesink", "location=" + str(path),
         "videotestsrc", "num-buffers=%d" % (seconds * FRAMES), "!", "video/x-raw,width=480,height=270,framerate=%d/1" % FRAMES,
         "!", "timeoverlay", "font-desc=Sans 24", "!", "videoconvert", "!", "vp8enc", "deadline=1", "cpu-used=16", "threads=2", "target-bitrate=900000",
         "keyframe-max-dist=%d" % FRAMES, "!", "queue", "!", "mux.",
         "audiotestsrc", "wave=ticks", "num-buffers=%d" % (seconds * 47), "!", "audio/x-raw,rate=48000,channels=2", "!", "audioconvert", "!", "vorbisenc",
         "!", "queue", "!", "mux."], check=True, stdin=subprocess.DEVNULL, env=dict(os.environ, GST_PLUGIN_PATH_1_0=""))
    return pathlib.Path(path)


def make_noise(path, seconds):
    """Sound that takes 88 kB a second, without any work."""
    with wave.open(str(path), "wb") as sound:
        sound.setparams((2, 2, 22050, 0, "NONE", None))
        sound.writeframes(os.urandom(seconds * 22050 * 4))
    return pathlib.Path(path)


class TestCase(cluster.TestCase):
    nodes = 4
    control_options = {"default-redundancy": "2+1"}
    storage_options = {}
    timeout = 600
    language = "en-US"
    scheme = "light"
    browser = None
    folder = None

    @classmethod
    def setUpClass(cls):
        missing = find_missing()
        if missing:
            raise unittest.SkipTest(missing)
        super().setUpClass()
        try:
            cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-browser-"))
            cls.browser = share_browser(cls.language, cls.scheme)
            for name, role in (("vera", "viewer"), ("otto", "operator")):
                cls.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": role}, 201)
            cls.fill()
        except BaseException:
            cls.failed = True
            cls.tearDownClass()
            raise

    @classmethod
    def fill(cls):
        """Puts media into the cluster."""

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)
        super().tearDownClass()

    def setUp(self):
        self.expected = list(EXPECTED)
        self.resize("desk")
        # of the test that failed before
        self.complaints()
        self.addCleanup(self.forget_all)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        self.result, self.troubles = result, before
        return super().run(result)

    def tearDown(self):
        complaints = self.complaints()
        if complaints or (self.result and len(self.result.failures) + len(self.result.errors) > self.troubles):
            self.screenshot("failed-" + self.id().rpartition(".")[2])
        self.leave()
        complaints += self.complaints()
        self.assertEqual(complaints, [])

    def complaints(self):
        """What the console has said since it was asked last."""
        return [entry["message"] for entry in self.browser.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING") and not any(text in entry["message"] for text in self.expected)]

    def leave(self):
        """The page goes first: one that is still open would ask without its cookie."""
        self.browser.get("about:blank")

    def forget_all(self):
        """As if this browser had never been here."""
        self.leave()
        self.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": self.cluster.url, "storageTypes": "local_storage,indexeddb"})

    def resize(self, size):
        """The window's inside. A real one is 500 px wide at least, so it is a feigned one."""
        width, height = SIZES[size]
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.wait(lambda: self.script("return innerWidth") == width, "the window to be %d px wide" % width)

    def expect(self, text):
        """The console may say @text: the test provokes it."""
        self.expected.append(text)

    # going about

    def go(self, path):
        self.browser.get(self.cluster.url + path)

    @property
    def path(self):
        return self.browser.execute_script("return location.pathname + location.search")

    def wait(self, condition, what, deadline=WAIT_S):
        def look():
            try:
                return condition()
            except StaleElementReferenceException:
                return None
        return cluster.wait_for(look, what, deadline * cluster.PATIENCE)

    def find_all(self, role, name=None, exact=False):
        def fits(element):
            label = element.accessible_name
            return element.is_displayed() and (name is None or (label == name if exact else name.lower() in label.lower()))
        return [element for element in self.browser.find_elements(By.CSS_SELECTOR, ROLES[role]) if fits(element)]

    def find(self, role, name=None, exact=False):
        return self.wait(lambda: next(iter(self.find_all(role, name, exact)), None), "a %s %r on %s" % (role, name, self.browser.title))

    def click(self, role, name=None, exact=False):
        self.find(role, name, exact).click()

    def type(self, name, text):
        # as a person does: clear() tells the page of no input, and it would put the old text back
        self.find("textbox", name, exact=True).send_keys(Keys.CONTROL + "a" + Keys.NULL + text)

    def press(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()

    def press_back_tab(self):
        ActionChains(self.browser).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()

    def see(self, text):
        self.wait(lambda: text in self.browser.find_element(By.TAG_NAME, "body").text, "the text %r" % text)

    def see_any(self, *texts):
        self.wait(lambda: any(text in self.browser.find_element(By.TAG_NAME, "body").text for text in texts), "one of %r" % (texts,))

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def focused(self):
        return self.browser.switch_to.active_element

    def sign_in(self, user="vera", password=PASSWORD):
        """By the cookie, as the page's sign-in does it; test_sign_in goes by the page. Whoever was signed in is not any more."""
        self.leave()
        self.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.go("/sign-in")
        self.wait(lambda: self.script("return document.querySelector('form, .shell') !== null"), "the sign-in page")
        answer = self.browser.execute_async_script(
            "const done = arguments[2]; fetch('/api/v1/sign-in', {method: 'POST', headers: {'Content-Type': 'application/json', 'X-PMSS': '1'},"
            " body: JSON.stringify({user: arguments[0], password: arguments[1]})}).then((a) => done(a.status), (e) => done(String(e)))", user, password)
        self.assertEqual(answer, 200)

    # looking

    def screenshot(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.browser.save_screenshot(str(SCREENSHOTS / (name + ".png")))

    def show(self, name):
        """The page as it is now, light, dark, and on a phone."""
        self.screenshot(name)
        self.paint("dark")
        self.screenshot(name + "-dark")
        self.paint(self.scheme)
        self.resize("phone")
        self.screenshot(name + "-phone")
        self.resize("desk")

    def paint(self, theme):
        self.script("document.documentElement.dataset.theme = arguments[0]", theme)

    def check_axe(self, where):
        """What axe-core finds of serious or critical barriers: nothing. A page narrower than itself is one, too."""
        source = (STAGE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
        # the policy forbids injected scripts in the page; the driver's own run beside it
        self.script(source)
        for theme in ("light", "dark"):
            self.paint(theme)
            found = self.browser.execute_async_script(
                "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations), (e) => done(String(e)))")
            self.assertIsInstance(found, list, found)
            serious = [(v["id"], v["help"], [n["html"][:160] + " " + n["failureSummary"][:300] for n in v["nodes"][:4]])
                       for v in found if v["impact"] in ("serious", "critical")]
            self.assertEqual(serious, [], "%s, %s" % (where, theme))
        self.paint(self.scheme)

    def check_fits(self, where):
        """Nothing sticks out of a window of 360 px."""
        self.resize("narrow")
        wide = self.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.resize("desk")
        self.assertLessEqual(wide, 0, where)

    # playing

    def video(self, member):
        return self.script("return document.querySelector('video')?.[arguments[0]]", member)

    def wait_playing(self, beyond=0.0):
        self.wait(lambda: (self.video("currentTime") or 0) > beyond and not self.video("paused"), "the film to play beyond %g s" % beyond)


__all__ = ["TestCase", "Keys", "By", "ActionChains", "FRAMES", "PASSWORD", "make_film", "make_noise", "start_browser", "json", "time"]
