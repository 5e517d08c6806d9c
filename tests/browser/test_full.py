# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of a viewer while the servers are full: it says so, counts down, and plays then; or the viewer gives up."""

import json
import re
import unittest

import browser
from browser import By, Keys
from cluster import wait_for

SOUND = "music/Rain.wav"
# short: what fills the servers has ended soon
SECONDS = 20


class Full(browser.TestCase):
    storage_options = {"network-limit": "4M"}
    control_options = {"default-redundancy": "2+1", "max-sessions": "0", "unit": "4KiB", "extent": "64KiB"}

    @classmethod
    def fill(cls):
        cls.cluster.add(SOUND, browser.make_noise(cls.folder / "rain.wav", SECONDS).read_bytes(), title="Rain")
        wait_for(lambda: all(node["capacity"] is not None for node in cls.cluster.api("GET", "/capacity")["nodes"]), "the nodes' capacities")

    def take_all(self):
        """Streams of others, until none more fits now."""
        for _ in range(200):
            status, _, body = self.cluster.request("POST", "/api/v1/sessions", json.dumps({"medium": SOUND}), {"Content-Type": "application/json"})
            if status == 503:
                return
            self.assertEqual(status, 201, body)
        self.fail("there is always room")

    def tearDown(self):
        super().tearDown()
        for row in self.cluster.api("GET", "/sessions")["sessions"]:
            self.cluster.request("DELETE", "/api/v1/sessions/" + row["id"])

    def countdown(self):
        """Seconds that are shown; None: nothing is waited for."""
        shown = self.browser.find_elements(By.CSS_SELECTOR, "[role=timer]")
        if not shown:
            return None
        minutes, seconds = re.fullmatch(r"(\d+):(\d\d)", shown[0].text).groups()
        return int(minutes) * 60 + int(seconds)

    def wait_full(self, heading):
        self.expect("503")
        self.take_all()
        self.go("/watch/" + SOUND + "?t=0")
        self.find("heading", heading)

    def test_counts_down_and_plays(self):
        self.sign_in()
        self.wait_full("The servers are full")
        first = self.wait(self.countdown, "a countdown")
        self.assertLessEqual(first, 120)
        self.see("It tries again by itself")
        self.assertIn("It tries again in", self.script("return document.querySelector('[role=group] [role=status]').textContent"))
        self.assertEqual(self.focused().accessible_name, "Cancel")
        self.show("watch-full")
        self.check_axe("watch, full")
        self.check_fits("watch, full")
        self.wait(lambda: self.countdown() < first, "the countdown to go on")
        self.wait(lambda: self.countdown() is None, "the countdown to end", 120)
        self.wait(lambda: self.video("currentTime") > 1, "the sound to play", 120)
        self.assertEqual(self.find_all("heading", "The servers are full"), [])

    def test_given_up(self):
        # the gateway still holds a session of the other test's viewer
        self.sign_in("otto")
        self.wait_full("The servers are full")
        self.press(Keys.ENTER)
        self.find("heading", "It cannot be played")
        self.see("is full")
        # and again, as soon as there is room
        for row in self.cluster.api("GET", "/sessions")["sessions"]:
            self.cluster.request("DELETE", "/api/v1/sessions/" + row["id"])
        self.click("button", "Try again")
        self.wait_playing(1)


class FullInKorean(Full):
    language = "ko-KR"

    def test_counts_down_and_plays(self):
        self.sign_in()
        self.wait_full("서버에 여유가 없습니다")
        self.wait(self.countdown, "a countdown")
        self.check_fits("watch, full")

    def test_given_up(self):
        self.skipTest("in English")


if __name__ == "__main__":
    unittest.main()
