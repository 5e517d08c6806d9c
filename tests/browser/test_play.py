# SPDX-License-Identifier: LGPL-2.1-or-later
"""Playing in the page: it plays, seeks, goes on where one left off, and with another gateway when one dies; by mouse and by keys."""

import unittest
import urllib.parse

import browser
from browser import By, Keys

FILM = "films/Sintel.webm"
SECONDS = 60
SUBTITLES = "1\n00:00:00,000 --> 00:00:59,000\n<b>A line</b> below the film\n\n2\n00:00:59,100 --> 00:00:59,900\nThe end\n"


class Play(browser.TestCase):
    @classmethod
    def fill(cls):
        film = browser.make_film(cls.folder / "film.webm", SECONDS).read_bytes()
        cls.cluster.add(FILM, film, title="Sintel")
        cls.cluster.add("films/Sintel.ko.srt", SUBTITLES.encode())

    def watch(self, query=""):
        self.go("/watch/" + FILM + query)
        self.find("slider", "Position")

    def forget(self):
        self.browser.execute_async_script(
            "const done = arguments[1]; fetch('/api/v1/me/positions/' + arguments[0], {method: 'DELETE', headers: {'X-PMSS': '1'}}).then(done, done)", FILM)

    def gateway(self):
        """The storage server that the page plays from."""
        port = urllib.parse.urlsplit(self.video("currentSrc")).port
        return next(node for node in self.cluster.nodes if node.port == port)

    def test_three_clicks(self):
        self.sign_in()
        self.forget()
        self.go("/library?folder=films")
        self.click("link", "Sintel")
        self.click("link", "Play")
        self.wait_playing(1)
        self.assertEqual(self.path, "/watch/" + FILM)
        self.show("watch")
        self.check_axe("watch")
        self.check_fits("watch")
        self.click("button", "Back", exact=True)
        self.find("link", "Play")

    def test_seek(self):
        self.sign_in()
        self.watch("?t=0")
        self.wait_playing(0.2)
        for place in (48.0, 3.0, 30.5):
            self.script("window.landed = new Promise((done) => document.querySelector('video').addEventListener('seeked', done, {once: true}))")
            bar = self.find("slider", "Position")
            if place == 30.5:
                self.script("document.querySelector('video').currentTime = 30.5")
            else:
                self.script("const bar = arguments[0], box = bar.getBoundingClientRect(), x = box.left + box.width * arguments[1] / arguments[2];"
                            "for (const type of ['pointerdown', 'pointermove', 'pointerup']) bar.dispatchEvent(new PointerEvent(type,"
                            " {clientX: x, clientY: box.top + 5, bubbles: true, pointerId: 1, button: 0, pointerType: 'mouse'}))", bar, place, SECONDS)
            self.browser.execute_async_script("const done = arguments[0]; window.landed.then(() => done())")
            self.wait(lambda at=place: at - 0.2 <= self.video("currentTime") <= at + 3, "the film to be at %g s" % place)
        self.wait_playing(31)

    def test_keys(self):
        self.sign_in()
        self.watch("?t=10")
        self.wait_playing(10.2)
        self.press("k")
        self.wait(lambda: self.video("paused"), "the film to pause")
        before = self.video("currentTime")
        for key, by in (("l", 10), (Keys.ARROW_RIGHT, 5), ("j", -10), (Keys.ARROW_LEFT, -5), (".", 0.04)):
            self.press(key)
            wanted = before + by
            self.wait(lambda at=wanted: abs(self.video("currentTime") - at) < 0.02, "the film to be at %g s" % wanted)
            before = wanted
        self.press("5")
        self.wait(lambda: abs(self.video("currentTime") - SECONDS / 2) < 0.5, "the middle")
        self.press("m")
        self.assertTrue(self.video("muted"))
        self.press(">")
        self.assertEqual(self.video("playbackRate"), 1.25)
        self.press("?")
        self.find("heading", "Keys")
        self.show("watch-keys")
        self.check_axe("the keys")
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.find_all("heading", "Keys"), "the help to close")
        self.press("f")
        self.wait(lambda: self.script("return document.fullscreenElement !== null"), "the full screen")
        self.press("f")
        self.wait(lambda: self.script("return document.fullscreenElement === null"), "the window")
        self.press(Keys.ESCAPE)
        self.wait(lambda: self.path == "/about/" + FILM, "the details")

    def test_resume(self):
        """Where one left off is kept for the user, not for the browser."""
        self.sign_in()
        self.forget()
        self.watch("?t=20")
        self.wait_playing(21)
        self.press("k")
        self.wait(lambda: self.video("paused"), "the film to pause")
        left = self.video("currentTime")
        self.wait(lambda: any(abs(p["position_ns"] / 1e9 - left) < 1 for p in self.positions()), "the place to be kept")
        self.browser.delete_all_cookies()
        self.script("localStorage.clear()")
        self.sign_in()
        self.go("/library")
        self.find("heading", "Continue watching")
        self.show("library-continue")
        self.go("/about/" + FILM)
        self.click("link", "Resume at 0:2")
        self.wait_playing(left)
        self.assertLess(self.video("currentTime"), left + 10)
        # another user begins at the beginning
        self.sign_in("otto")
        self.watch()
        self.wait_playing(0.1)
        self.assertLess(self.video("currentTime"), 10)

    def positions(self):
        return self.browser.execute_async_script("const done = arguments[0]; fetch('/api/v1/me/positions').then((a) => a.json()).then((j) => done(j.positions))")

    def test_subtitles(self):
        self.sign_in()
        self.watch("?t=5")
        self.wait_playing(5.2)
        self.click("button", "Subtitles")
        self.click("button", "Korean")
        self.wait(lambda: self.script("const track = [...document.querySelector('video').textTracks].find((t) => t.mode === 'showing');"
                                      "return track?.activeCues?.[0]?.text") == "<b>A line</b> below the film", "the line")
        self.script("document.querySelector('video').pause()")
        self.screenshot("watch-subtitles")
        self.press("c")
        self.wait(lambda: not self.script("return [...document.querySelector('video').textTracks].some((t) => t.mode === 'showing')"), "no line")

    def test_gateway_dies(self):
        """The page goes on with the next gateway, at the same place."""
        self.sign_in()
        self.expect("net::ERR_")
        self.watch("?t=5")
        self.wait_playing(6)
        victim = self.gateway()
        victim.kill()
        try:
            # further than anything that the browser has already
            self.script("document.querySelector('video').currentTime = 40")
            self.wait_playing(41)
            self.assertNotEqual(urllib.parse.urlsplit(self.video("currentSrc")).port, victim.port)
            self.assertLess(self.video("currentTime"), 55)
        finally:
            victim.start()
            self.cluster.wait_nodes()

    def test_unplayable(self):
        self.cluster.add("films/broken.webm", b"\x1a\x45\xdf\xa3 and nothing that follows from it" * 100, content_type="video/webm")
        self.sign_in()
        self.go("/watch/films/broken.webm")
        self.find("heading", "It cannot be played")
        self.screenshot("watch-failed")
        self.expect("/api/v1/media/none")
        self.go("/watch/none")
        self.see("none")


if __name__ == "__main__":
    unittest.main()
