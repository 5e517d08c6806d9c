# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the administrators' pages share: going to a page as an administrator, picking files, a phone of 360 px."""

import contextlib
import socket

import browser
import cluster
from browser import By, Keys
from tcp_relay import Relay

try:
    from selenium.common.exceptions import ElementClickInterceptedException
except ImportError:
    ElementClickInterceptedException = None     # browser.py skips the tests

PAGES = ("overview", "monitoring", "media", "nodes", "jobs", "policies", "sessions", "users", "clients", "events")
MB = 1000 * 1000


class AdminCase(browser.TestCase):
    # small extents: many of them in a small film
    control_options = {"default-redundancy": "2+1", "extent": "256KiB"}
    port = None

    @classmethod
    def fill(cls):
        cls.film = browser.make_film(cls.folder / "film.webm", 20)
        cls.cluster.add("films/Sintel.webm", cls.film.read_bytes())

    def tearDown(self):
        # a page that is still open would ask without its cookie; this one has no icon
        self.expect("/favicon.ico")
        self.go("/healthz")
        super().tearDown()

    # going about

    def admin(self, path, user="admin", at=None):
        """Signs in as an administrator and goes to a page; @at: by another port than control's."""
        self.port = at
        self.sign_in(user, self.cluster.password if user == "admin" else browser.PASSWORD)
        self.visit(path)

    def go(self, path):
        if self.port is None:
            super().go(path)
        else:
            self.browser.get("http://127.0.0.1:%d%s" % (self.port, path))

    def visit(self, path):
        self.go(path)
        self.wait(lambda: self.all("h1") and not self.all(".loading"), path)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.wait(lambda: next(iter(self.all(selector)), None), selector)

    def texts(self, selector):
        return self.script("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)

    def press_it(self, find, what):
        """Clicks what find() returns: also when it is drawn anew meanwhile, or when something that goes away is over it."""
        def look():
            element = find()
            if element is None:
                return False
            try:
                element.click()
            except ElementClickInterceptedException:
                return False
            return True
        self.wait(look, what)

    def click(self, role, name=None, exact=False):
        self.press_it(lambda: next(iter(self.find_all(role, name, exact)), None), "a %s %r to be clicked" % (role, name))

    def answer(self, label):
        """Presses the button @label of the question that is asked."""
        self.press_it(lambda: next((b for b in self.all("dialog[open] button") if b.text == label), None), "the button %r of a question" % label)

    def wait_answered(self):
        self.wait(lambda: not self.all("dialog[open]"), "the question to go")

    def choose(self, label, text):
        """Chooses @text in the list that is called @label."""
        def look():
            boxes = self.find_all("combobox", label)
            return next((option for option in boxes[0].find_elements(By.TAG_NAME, "option") if option.text == text), None) if boxes else None
        self.press_it(look, "%r in the list %r" % (text, label))

    @contextlib.contextmanager
    def second_browser(self):
        """Another one, of another person; the test's own is self.browser again afterwards."""
        mine, self.browser = self.browser, browser.start_browser(self.folder / "second-profile")
        try:
            yield mine
        finally:
            other, self.browser = self.browser, mine
            other.quit()

    def tab_to(self, label, within="body", presses=60):
        """Presses Tab until what has the focus is called @label."""
        for _ in range(presses):
            self.press(Keys.TAB)
            focused = self.focused()
            if label in (focused.accessible_name, focused.text) and self.script("return arguments[0].closest(arguments[1]) !== null", focused, within):
                return
        self.fail("%r does not get the focus" % label)

    def make_line(self, **options):
        """A line to control, see Relay."""
        line = Relay(("127.0.0.1", self.cluster.control.port), **options)
        # so that the kernel takes little more than it passes on
        line.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.addCleanup(line.close)
        self.addCleanup(line.release.set)
        return line

    # looking

    def check_phone(self, name):
        """The page in a window of 360 px: a picture of it, and nothing sticks out."""
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": False})
        try:
            self.wait(lambda: self.script("return innerWidth") == 360, "the window to be narrow")
            self.screenshot(name + "-narrow")
            self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), 360, name)
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    # uploads

    def pick(self, *paths):
        self.one("input.pick-files").send_keys("\n".join(map(str, paths)))

    def uploads(self):
        """The state of each upload in the list, by name."""
        return dict(self.script("return [...document.querySelectorAll('.upload')].map((row) => [row.querySelector('.upload-name').firstChild.textContent, row.dataset.state])"))

    def make_file(self, name, size):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.film.read_bytes() + bytes(max(0, size - self.film.stat().st_size)) if size else b"")
        return path

    # what is there to be shown

    def start_job(self, name="films/Sintel.webm", limit=8000):
        """One that goes on for as long as the test: a verification at @limit bit/s."""
        job = self.cluster.api("POST", "/media/%s/verify?rate_limit=%d" % (cluster.encode_name(name), limit), status=202)["job"]
        self.addCleanup(self.end_job, job)
        return job

    def end_job(self, job):
        if self.cluster.job(job)["state"] not in ("done", "failed", "cancelled"):
            self.cluster.api("POST", "/jobs/%d/cancel" % job)

    def start_session(self, name="films/Sintel.webm"):
        session = self.cluster.session(name)["id"]
        self.addCleanup(self.end_session, session)
        return session

    def end_session(self, session):
        if session in [one["id"] for one in self.cluster.api("GET", "/sessions")["sessions"]]:
            self.cluster.api("DELETE", "/sessions/" + session, status=204)


__all__ = ["AdminCase", "PAGES", "MB"]
