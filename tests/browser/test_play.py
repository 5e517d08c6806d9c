# SPDX-License-Identifier: LGPL-2.1-or-later
"""Playing in the page: it plays, seeks, goes on where one left off, and with another gateway when one dies; by mouse and by keys."""

import json
import unittest
import urllib.parse

import browser
from browser import ActionChains, By, FRAMES, Keys, PASSWORD

FILM = "films/Sintel.webm"
SECONDS = 60
# more than a browser fetches ahead
LONG = "music/Rain.wav"
LONG_SECONDS = 150
AHEAD = 120.0
SUBTITLES = "1\n00:00:00,000 --> 00:00:59,000\n<b>A line</b> below the film\n\n2\n00:00:59,100 --> 00:00:59,900\nThe end\n"


class Player(browser.TestCase):
    """What tests do to a player."""

    def watch(self, query="", film=FILM):
        self.go("/watch/" + urllib.parse.quote(film) + query)
        self.wait_playing()

    def forget(self):
        """Nobody has left off anywhere."""
        self.browser.execute_async_script(
            "const done = arguments[1]; fetch('/api/v1/me/positions/' + arguments[0], {method: 'DELETE', headers: {'X-PMSS': '1'}}).then(done, done)", FILM)

    def stir(self):
        """The controls hide while nothing moves."""
        video = self.wait(lambda: next(iter(self.browser.find_elements(By.TAG_NAME, "video")), None), "the film")
        ActionChains(self.browser, 50).move_to_element_with_offset(video, 0, -50).move_by_offset(7, 7).perform()

    def control(self, role, name):
        """One of the player's controls, as soon as it can be seen."""
        def look():
            self.stir()
            return next(iter(self.find_all(role, name, exact=True)), None)
        return self.wait(look, "the control %r" % name)

    def gateway(self):
        """The storage server that the page plays from."""
        port = urllib.parse.urlsplit(self.video("currentSrc")).port
        return next(node for node in self.cluster.nodes if node.port == port)

    def has(self, seconds):
        """Whether the browser has that place already."""
        return self.script("const b = document.querySelector('video').buffered;"
                           "return Array.from({length: b.length}, (_, i) => b.start(i) <= arguments[0] && arguments[0] <= b.end(i)).some(Boolean)", seconds)


class Play(Player):
    @classmethod
    def fill(cls):
        film = browser.make_film(cls.folder / "film.webm", SECONDS).read_bytes()
        cls.cluster.add(FILM, film, title="Sintel")
        cls.cluster.add("films/Sintel.ko.srt", SUBTITLES.encode())
        cls.cluster.add(LONG, browser.make_noise(cls.folder / "long.wav", LONG_SECONDS).read_bytes())

    def test_three_clicks(self):
        self.sign_in()
        self.forget()
        self.go("/library?folder=films")
        self.click("link", "Sintel")
        self.click("link", "Play")
        self.wait_playing(1)
        self.assertEqual(self.path, "/watch/" + FILM)
        self.control("button", "Pause").click()
        self.wait(lambda: self.video("paused"), "the film to pause")
        self.show("watch")
        self.check_axe("watch")
        self.check_fits("watch")
        self.control("button", "Back").click()
        self.find("link", "Play")

    def test_seek(self):
        self.sign_in()
        self.watch("?t=0")
        for place in (48.0, 3.0, 30.5):
            self.script("window.landed = new Promise((done) => document.querySelector('video').addEventListener('seeked', done, {once: true}))")
            if place == 30.5:
                self.script("document.querySelector('video').currentTime = 30.5")
            else:
                bar = self.control("slider", "Position")
                width = bar.rect["width"]
                mouse = ActionChains(self.browser, 100)
                mouse.move_to_element(bar).click_and_hold().move_to_element_with_offset(bar, round(width * (place / SECONDS - 0.5)), 0).perform()
                self.screenshot("watch-seek")
                ActionChains(self.browser).release().perform()
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
        for key, by in (("l", 10), (Keys.ARROW_RIGHT, 5), ("j", -10), (Keys.ARROW_LEFT, -5), (".", 1 / FRAMES)):
            self.press(key)
            wanted = before + by
            self.wait(lambda at=wanted: abs(self.video("currentTime") - at) < 0.02, "the film to be at %g s" % wanted)
            before = wanted
        self.press("5")
        self.wait(lambda: abs(self.video("currentTime") - SECONDS / 2) < 0.5, "the middle")
        self.press("m")
        self.wait(lambda: self.video("muted"), "silence")
        self.press(">")
        self.wait(lambda: self.video("playbackRate") == 1.25, "the speed")
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

    def test_keys_of_controls(self):
        """Each control can be reached by Tab, and obeys the keys that its kind has."""
        self.sign_in()
        self.watch("?t=10")
        self.press("k")
        self.wait(lambda: self.video("paused"), "the film to pause")
        seen = []
        for _ in range(15):
            self.press(Keys.TAB)
            seen.append(self.focused().accessible_name)
            if seen[-1] == "Full screen":
                break
        for name in ("Back", "Position", "Play", "Mute", "Volume", "Subtitles", "Speed", "Keys", "Full screen"):
            self.assertIn(name, seen)
        while self.focused().accessible_name != "Subtitles":
            self.press_back_tab()
        self.press(Keys.ENTER)
        self.find("button", "Korean")
        self.press(Keys.TAB, Keys.TAB, Keys.ENTER)
        self.wait(lambda: self.find("button", "Korean").get_attribute("aria-pressed") == "true", "the subtitles")
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.find_all("button", "Korean"), "the menu to close")
        self.assertEqual(self.path.partition("?")[0], "/watch/" + FILM)

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
        self.go("/library")
        self.click("button", "Account: vera")
        self.click("button", "Sign out")
        self.find("heading", "Sign in to PMSS")
        self.forget_all()
        self.go("/library")
        self.find("textbox", "User name")
        self.type("User name", "vera")
        self.type("Password", PASSWORD)
        self.press(Keys.ENTER)
        self.find("heading", "Continue watching")
        self.show("library-continue")
        self.check_axe("library, begun films")
        self.check_fits("library, begun films")
        self.go("/about/" + FILM)
        self.click("link", "Resume at 0:2")
        self.wait_playing(left)
        self.assertLess(self.video("currentTime"), left + 10)
        # another user begins at the beginning
        self.sign_in("otto")
        self.watch()
        self.assertLess(self.video("currentTime"), 10)

    def positions(self):
        return self.browser.execute_async_script("const done = arguments[0]; fetch('/api/v1/me/positions').then((a) => a.json()).then((j) => done(j.positions))")

    def test_subtitles(self):
        self.sign_in()
        self.watch("?t=5")
        self.control("button", "Subtitles").click()
        self.click("button", "Korean")
        self.wait(lambda: self.script("const track = [...document.querySelector('video').textTracks].find((t) => t.mode === 'showing');"
                                      "return track?.activeCues?.[0]?.text") == "<b>A line</b> below the film", "the line")
        self.script("document.querySelector('video').pause()")
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.find_all("button", "Korean"), "the menu to close")
        self.show("watch-subtitles")
        self.press("c")
        self.wait(lambda: not self.script("return [...document.querySelector('video').textTracks].some((t) => t.mode === 'showing')"), "no line")

    def test_gateway_dies(self):
        """The page goes on with the next gateway, at the same place, as fast as before."""
        self.sign_in()
        self.expect("net::ERR_")
        self.watch("?t=5", LONG)
        self.wait_playing(6)
        self.press(">")
        self.wait(lambda: self.video("playbackRate") == 1.25, "the speed")
        victim = self.gateway()
        self.assertFalse(self.has(AHEAD), "the browser has all of it")
        victim.kill()
        try:
            self.script("document.querySelector('video').currentTime = arguments[0]", AHEAD)
            self.wait_playing(AHEAD + 1)
            self.assertNotEqual(self.gateway().port, victim.port)
            self.assertLess(self.video("currentTime"), AHEAD + 15)
            self.assertEqual(self.video("playbackRate"), 1.25)
        finally:
            victim.start()
            self.cluster.wait_nodes()

    def test_node_dies(self):
        """A storage server that only holds shards: nobody notices."""
        self.sign_in()
        self.watch("?t=5", LONG)
        self.wait_playing(6)
        before = self.video("currentSrc")
        self.assertFalse(self.has(AHEAD), "the browser has all of it")
        # of four servers three have the shards of an extent
        victim = next(node for node in self.cluster.nodes if node is not self.gateway() and node.shards())
        victim.kill()
        try:
            self.script("document.querySelector('video').currentTime = arguments[0]", AHEAD)
            self.wait_playing(AHEAD + 1)
            self.assertEqual(self.video("currentSrc"), before)
        finally:
            victim.start()
            self.cluster.wait_nodes()

    def test_control_dies(self):
        """The film goes on without the control server. A note says what is the matter, and goes again."""
        self.sign_in()
        self.expect("net::ERR_")
        self.watch("?t=5", LONG)
        self.cluster.control.kill()
        try:
            self.wait_playing(7)
            # what is to be kept on a pause cannot be
            self.press("k")
            self.see("The server cannot be reached")
            self.press("k")
            self.wait_playing(8)
        finally:
            self.cluster.control.start()
            self.cluster.wait_nodes()
        self.wait(lambda: "cannot be reached" not in self.browser.find_element(By.TAG_NAME, "body").text, "the note to go")
        self.wait_playing(9)

    def test_unplayable(self):
        self.cluster.add("films/broken.webm", b"\x1a\x45\xdf\xa3 and nothing that follows from it" * 100, content_type="video/webm")
        self.sign_in()
        self.go("/watch/films/broken.webm")
        self.find("heading", "It cannot be played")
        self.see("This browser cannot decode it")
        self.show("watch-failed")
        self.check_axe("what cannot be played")
        self.check_fits("what cannot be played")
        self.expect("/api/v1/media/none")
        self.go("/watch/none")
        self.find("heading", "There is no such medium")


class Gateways(Player):
    """Of the storage servers none plays media, until one joins that does."""

    nodes = 3
    control_options = {"default-redundancy": "2+1", "max-sessions": "1"}
    storage_options = {"gateway": "off"}

    @classmethod
    def fill(cls):
        cls.cluster.add(FILM, browser.make_film(cls.folder / "film.webm", SECONDS).read_bytes(), title="Sintel")

    def add_gateway(self):
        if len(self.cluster.nodes) == self.nodes:
            self.cluster.add_node(gateway="on")
        return self.cluster.nodes[-1]

    def test_joins(self):
        """A page that was loaded before does not know the new server's address. It goes on by itself."""
        self.sign_in()
        self.expect("/api/v1/plays")
        self.go("/watch/" + FILM)
        self.find("heading", "It cannot be played")
        self.see("No storage server that is up plays media")
        self.show("watch-no-gateway")
        self.check_axe("no gateway")
        self.check_fits("no gateway")
        self.go("/library?folder=films")
        self.find("link", "Sintel")
        self.script("window.old = true")
        self.add_gateway()
        self.expect("Content Security Policy")
        self.click("link", "Sintel")
        self.click("link", "Play")
        self.wait(lambda: not self.script("return window.old"), "the page to be loaded anew")
        self.wait_playing(1)
        self.assertEqual(self.path.partition("?")[0], "/watch/" + FILM)
        self.assertIs(self.gateway(), self.cluster.nodes[-1])

    def test_too_many(self):
        self.add_gateway()
        token = self.cluster.login("otto", PASSWORD)
        status, _, answer = self.cluster.request("POST", "/api/v1/sessions", json.dumps({"medium": FILM}),
                                                 {"Authorization": "Bearer " + token, "Content-Type": "application/json"}, token=False)
        self.assertEqual(status, 201, answer)
        self.sign_in("otto")
        self.expect("status of 503")
        self.go("/watch/" + FILM)
        self.find("heading", "It cannot be played")
        self.see("as many as are allowed")
        self.show("watch-too-many")
        self.cluster.api("DELETE", "/sessions/" + json.loads(answer)["id"], status=204)
        self.click("button", "Try again")
        self.wait_playing(1)


if __name__ == "__main__":
    unittest.main()
