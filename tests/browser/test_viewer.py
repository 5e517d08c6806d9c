# SPDX-License-Identifier: LGPL-2.1-or-later
"""The viewers' pages in a real browser: sign-in, library, details, account; in English and Korean; by keys alone."""

import contextlib
import sqlite3
import unittest

import browser
from browser import By, Keys, PASSWORD

HOSTILE = "films/<img src=x onerror=alert(1)>.mp4"
SUBTITLES = "1\n00:00:00,000 --> 00:00:50,000\nA line below <b>the film</b>\n\n"
TABS = 7
# counts the event streams of a page
COUNT_STREAMS = """
  window.streams = [];
  const Plain = window.EventSource;
  window.EventSource = class extends Plain { constructor(...a) { super(...a); window.streams.push(this); } };
"""


class Viewer(browser.TestCase):
    @classmethod
    def fill(cls):
        film = browser.make_film(cls.folder / "film.webm", 30).read_bytes()
        for name in ("films/Sintel.webm", "films/old/A Trip to the Moon.webm"):
            cls.cluster.add(name, film, title=name[6:-5].rpartition("/")[2])
        cls.cluster.add(HOSTILE, film)
        cls.cluster.add("notes.txt", b"no film\n")
        cls.cluster.add("films/Sintel.srt", SUBTITLES.encode())
        cls.cluster.api("POST", "/users", {"name": "nina", "password": PASSWORD, "role": "viewer"}, 201)
        cls.cluster.control.stop()
        with contextlib.closing(sqlite3.connect(cls.cluster.control.data / "catalog.db")) as db, db:
            db.execute("UPDATE user SET one_time = 1 WHERE name = 'nina'")
        cls.cluster.control.start()
        cls.cluster.wait_nodes()

    def look_over(self, name):
        """Screenshots, barriers, and a narrow window."""
        self.show(name)
        self.check_axe(name)
        self.check_fits(name)

    def test_sign_in(self):
        self.go("/library?q=moon")
        self.find("heading", "Sign in to PMSS")
        self.assertEqual(self.path, "/sign-in?next=%2Flibrary%3Fq%3Dmoon")
        self.look_over("sign-in")
        self.expect("/api/v1/sign-in")
        self.type("User name", "vera")
        self.type("Password", "wrong")
        self.press(Keys.ENTER)
        self.see("do not go together")
        self.look_over("sign-in-wrong")
        self.type("Password", PASSWORD)
        self.press(Keys.ENTER)
        self.wait(lambda: self.path == "/library?q=moon", "the page that was asked for")
        self.find("link", "A Trip to the Moon")
        self.click("button", "Account: vera")
        self.find("button", "Sign out")
        self.look_over("account-menu")
        self.click("button", "Sign out")
        self.find("heading", "Sign in to PMSS")

    def test_one_time_password(self):
        self.go("/about/films/Sintel.webm")
        self.find("textbox", "User name")
        self.type("User name", "nina")
        self.type("Password", PASSWORD)
        self.press(Keys.ENTER)
        self.find("heading", "Choose your own password")
        self.look_over("one-time-password")
        self.type("New password", "another sentence of hers")
        self.type("New password again", "another sentence of his")
        self.press(Keys.ENTER)
        self.see("The two new passwords are not the same")
        self.type("New password again", "another sentence of hers")
        self.press(Keys.ENTER)
        self.find("link", "Play")

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
        # without the subtitles, which are offered with their film
        self.assertEqual(self.find("link", "films").text.split(), ["films", "3"])
        self.look_over("library-top")
        self.click("link", "films")
        self.find("link", "Sintel")
        self.assertEqual(self.path, "/library?folder=films")
        self.assertEqual(len(self.find_all("link", "Sintel")), 1)
        self.look_over("library-folder")
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
        self.look_over("library-nothing")

    def test_hostile_name(self):
        """What was uploaded is text, everywhere."""
        title = "<img src=x onerror=alert(1)>"
        self.sign_in()
        self.go("/library?folder=films")
        self.click("link", title)
        self.find("heading", title)
        self.look_over("about-hostile")
        self.click("link", "Play")
        self.wait_playing(6)
        self.press("k")
        self.wait(lambda: self.video("paused"), "the film to pause")
        self.find("heading", title)
        self.press(Keys.ESCAPE)
        self.find("link", "Resume at 0:0")
        self.go("/library")
        self.find("heading", "Continue watching")
        self.find("link", title)
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "img[src=x]"), [])

    def test_about(self):
        self.sign_in("otto")
        self.go("/about/films/Sintel.webm")
        self.find("link", "Play")
        self.see("Plays in this browser")
        self.see("VP8")
        self.click("button", "Make a link")
        self.find("button", "Copy: VLC")
        self.look_over("about")
        self.sign_in()
        self.go("/about/notes.txt")
        self.see("Does not play in this browser")
        self.look_over("about-no-film")
        self.expect("/api/v1/media/none")
        self.go("/about/none")
        self.find("heading", "There is no such medium")
        self.look_over("about-none")
        self.click("link", "To the library")
        self.find("heading", "Library")

    def test_account(self):
        self.sign_in("vera")
        self.go("/about/films/Sintel.webm")
        self.click("button", "Make a link")
        self.find("button", "Copy: VLC")
        self.go("/account")
        self.find("heading", "Where you are signed in")
        self.see("this browser")
        self.find("link", "films/Sintel.webm")
        self.look_over("account")
        self.click("button", "Take back")
        self.see("You have no links.")

    def test_no_right(self):
        self.sign_in()
        for page in ("overview", "nodes", "users"):
            self.go("/admin/" + page)
            self.find("heading", "This page is not for you")
        self.look_over("no-right")
        self.expect("/nowhere")
        self.go("/nowhere")
        self.find("heading", "There is no such page")
        self.look_over("not-found")

    def test_lost_connection(self):
        """A quiet note, and the page goes on by itself."""
        self.sign_in()
        self.go("/library?folder=films")
        self.find("link", "Sintel")
        self.expect("net::ERR_")
        self.cluster.control.stop()
        try:
            self.type("Search the library", "moon")
            self.see("The server cannot be reached")
            self.look_over("lost-connection")
        finally:
            self.cluster.control.start()
            self.cluster.wait_nodes()
        self.find("link", "A Trip to the Moon")
        self.wait(lambda: "cannot be reached" not in self.browser.find_element(By.TAG_NAME, "body").text, "the note to go")

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
        self.press(Keys.ESCAPE)
        self.look_over("library-korean")
        self.go("/about/films/Sintel.webm")
        self.find("link", "재생")
        self.look_over("about-korean")
        self.go("/account")
        self.find("heading", "비밀번호 변경")
        self.look_over("account-korean")

    def test_keyboard(self):
        """From the sign-in to a film that plays, and back, without a mouse."""
        self.go("/library")
        self.find("heading", "Sign in to PMSS")
        self.wait(lambda: self.focused().accessible_name == "User name", "the first field to have the focus")
        self.press("vera", Keys.TAB, PASSWORD, Keys.ENTER)
        self.find("heading", "Library")
        self.find("link", "films")
        self.press(Keys.TAB)
        self.assertEqual(self.focused().text, "Skip to the content")
        self.press(Keys.ENTER)
        self.tab_to("films")
        self.press(Keys.ENTER)
        self.find("link", "Sintel")
        self.tab_to("onerror")
        self.press(Keys.ARROW_RIGHT)
        self.wait(lambda: "Sintel" in self.focused().accessible_name, "the next tile to have the focus")
        self.press(Keys.ENTER)
        self.find("link", "Play")
        self.tab_to("Play")
        self.press(Keys.ENTER)
        self.wait_playing(0.5)
        self.press(Keys.SPACE)
        self.wait(lambda: self.video("paused"), "the film to pause")
        self.press(Keys.ESCAPE)
        self.find("link", "Play")
        self.wait(lambda: self.focused().tag_name == "h1", "the title to have the focus")
        # the menu of the account
        for _ in range(3):
            self.press_back_tab()
            if self.focused().accessible_name == "Account: vera":
                break
        self.press(Keys.ENTER)
        self.find("button", "Sign out")
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.find_all("button", "Sign out"), "the menu to close")
        self.assertEqual(self.focused().accessible_name, "Account: vera")

    def tab_to(self, name):
        for _ in range(20):
            self.press(Keys.TAB)
            if self.focused().tag_name == "a" and name in self.focused().accessible_name:
                return
        self.fail("no link %r within 20 tabs" % name)

    def test_seven_tabs(self):
        """HTTP/1.1 has six connections: one stream serves all tabs, and another tab takes over when its tab is closed."""
        self.sign_in("admin", self.cluster.password)
        self.leave()
        first = self.browser.current_window_handle
        try:
            tabs = [first]
            for i in range(TABS):
                if i:
                    self.browser.switch_to.new_window("tab")
                    tabs.append(self.browser.current_window_handle)
                script = self.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNT_STREAMS})
                if i == 0:
                    self.addCleanup(self.browser.execute_cdp_cmd, "Page.removeScriptToEvaluateOnNewDocument", script)
                self.go("/admin/users")
                self.see("vera")
            self.assertEqual(self.count_streams(tabs), 1)
            self.change_and_see(tabs, "tina")
            leader = next(tab for tab in tabs[1:] + tabs[:1] if self.count_streams([tab]) or tab == first)
            if leader == first:
                # its window is needed to the end
                self.browser.switch_to.window(first)
                self.leave()
            else:
                self.browser.switch_to.window(leader)
                self.browser.close()
            tabs.remove(leader)
            self.wait(lambda: self.count_streams(tabs) == 1, "another tab to have the stream")
            self.change_and_see(tabs, "ulla")
        finally:
            for tab in self.browser.window_handles:
                if tab != first:
                    self.browser.switch_to.window(tab)
                    self.browser.close()
            self.browser.switch_to.window(first)

    def count_streams(self, tabs):
        count = 0
        for tab in tabs:
            self.browser.switch_to.window(tab)
            count += self.script("return window.streams.filter((stream) => stream.readyState !== 2).length")
        return count

    def change_and_see(self, tabs, name):
        self.cluster.api("POST", "/users", {"name": name, "password": PASSWORD, "role": "viewer"}, 201)
        for tab in tabs:
            self.browser.switch_to.window(tab)
            self.see(name)


if __name__ == "__main__":
    unittest.main()
