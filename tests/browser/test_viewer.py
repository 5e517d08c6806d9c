# SPDX-License-Identifier: LGPL-2.1-or-later
"""The viewers' pages in a real browser: sign-in, library, details, account; in English and Korean; by keys alone."""

import unittest

import browser
from browser import By, Keys, PASSWORD

HOSTILE = "films/<img src=x onerror=alert(1)>.webm"
SUBTITLES = "1\n00:00:00,000 --> 00:00:50,000\nA line below <b>the film</b>\n\n"


class Viewer(browser.TestCase):
    @classmethod
    def fill(cls):
        film = browser.make_film(cls.folder / "film.webm", 30).read_bytes()
        for name in ("films/Sintel.webm", "films/old/A Trip to the Moon.webm", HOSTILE):
            cls.cluster.add(name, film, title=name[6:-5].rpartition("/")[2])
        cls.cluster.add("notes.txt", b"no film\n")
        cls.cluster.add("films/Sintel.srt", SUBTITLES.encode())

    def test_sign_in(self):
        self.go("/library?q=moon")
        self.find("heading", "Sign in to PMSS")
        self.assertEqual(self.path, "/sign-in?next=%2Flibrary%3Fq%3Dmoon")
        self.show("sign-in")
        self.check_axe("sign-in")
        self.check_fits("sign-in")
        self.expect("/api/v1/sign-in")
        self.type("User name", "vera")
        self.type("Password", "wrong")
        self.press(Keys.ENTER)
        self.see("do not go together")
        self.type("Password", PASSWORD)
        self.press(Keys.ENTER)
        self.wait(lambda: self.path == "/library?q=moon", "the page that was asked for")
        self.find("link", "A Trip to the Moon")
        self.click("button", "Account: vera")
        self.click("button", "Sign out")
        self.find("heading", "Sign in to PMSS")


    def test_next_is_ours(self):
        for bad in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
            self.sign_in()
            self.go("/sign-in?next=" + bad.replace("/", "%2F").replace(":", "%3A").replace("\\", "%5C"))
            self.find("heading", "Library")
            self.assertTrue(self.browser.current_url.startswith(self.cluster.url + "/"), bad)

    def test_library(self):
        self.sign_in()
        self.go("/library")
        self.find("heading", "Library")
        self.show("library-top")
        self.check_axe("library")
        self.check_fits("library")
        self.click("link", "films")
        self.find("link", "Sintel")
        self.assertEqual(self.path, "/library?folder=films")
        # what is beside a film is offered with it, and is no medium
        self.assertEqual(len(self.find_all("link", "Sintel")), 1)
        self.show("library-folder")
        self.click("link", "old")
        self.find("link", "A Trip to the Moon")
        self.browser.back()
        self.find("link", "Sintel")
        self.type("Search the library", "moon")
        self.find("link", "A Trip to the Moon")
        self.wait(lambda: not self.find_all("link", "Sintel"), "the others to go")
        self.assertIn("q=moon", self.path)
        self.type("Search the library", "nothing of the kind")
        self.see("Nothing found")
        self.show("library-nothing")

    def test_hostile_name(self):
        """What was uploaded is text, everywhere."""
        self.sign_in()
        self.go("/library?folder=films")
        self.click("link", "<img src=x onerror=alert(1)>")
        self.find("heading", "<img src=x onerror=alert(1)>")
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "img[src=x]"), [])

    def test_about(self):
        self.sign_in("otto")
        self.go("/about/films/Sintel.webm")
        self.find("link", "Play")
        self.see("Plays in this browser")
        self.see("VP8")
        self.click("button", "Make a link")
        self.find("button", "Copy: VLC")
        self.check_axe("about")
        self.check_fits("about")
        self.show("about")
        self.sign_in()
        self.go("/about/notes.txt")
        self.see("Does not play in this browser")
        self.expect("/api/v1/media/none")
        self.go("/about/none")
        self.see("none")

    def test_account(self):
        self.sign_in("otto")
        self.go("/account")
        self.find("heading", "Where you are signed in")
        self.see("this browser")
        self.show("account")
        self.check_axe("account")
        self.check_fits("account")

    def test_no_right(self):
        self.sign_in()
        for page in ("overview", "nodes", "users"):
            self.go("/admin/" + page)
            self.find("heading", "This page is not for you")
        self.show("no-right")
        self.expect("/nowhere")
        self.go("/nowhere")
        self.find("heading", "There is no such page")

    def test_korean(self):
        """The language changes while the page stays."""
        self.sign_in()
        self.go("/library?folder=films")
        self.find("link", "Sintel")
        self.script("window.stays = true")
        self.click("button", "Account: vera")
        self.click("button", "한국어")
        self.find("heading", "films")
        self.see("이름순")
        self.assertEqual(self.script("return [document.documentElement.lang, window.stays]"), ["ko", True])
        self.show("library-korean")
        self.check_axe("library, Korean")
        self.go("/about/films/Sintel.webm")
        self.find("link", "재생")
        self.show("about-korean")

    def test_keyboard(self):
        """From the sign-in to a film that plays, without a mouse."""
        self.go("/library")
        self.find("heading", "Sign in to PMSS")
        self.wait(lambda: self.focused().accessible_name == "User name", "the first field to have the focus")
        self.press("vera", Keys.TAB, PASSWORD, Keys.ENTER)
        self.find("heading", "Library")
        self.press(Keys.TAB)
        self.assertEqual(self.focused().text, "Skip to the content")
        self.press(Keys.ENTER)
        for _ in range(12):
            self.press(Keys.TAB)
            if "films" in self.focused().accessible_name:
                break
        self.press(Keys.ENTER)
        self.find("link", "Sintel")
        for _ in range(12):
            self.press(Keys.TAB)
            if self.focused().tag_name == "a" and "onerror" in self.focused().accessible_name:
                break
        self.press(Keys.ARROW_RIGHT)
        self.wait(lambda: "Sintel" in self.focused().accessible_name, "the next tile to have the focus")
        self.press(Keys.ENTER)
        self.find("link", "Play")


if __name__ == "__main__":
    unittest.main()
