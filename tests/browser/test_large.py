# SPDX-License-Identifier: LGPL-2.1-or-later
"""A library of 10,000 media: it is drawn at once, scrolled to its end and found again on Back."""

import contextlib
import sqlite3
import unittest

import browser

MEDIA = 10_000
# what the document may hold of them
DRAWN = 200


class Large(browser.TestCase):
    nodes = 3

    @classmethod
    def fill(cls):
        film = browser.make_film(cls.folder / "film.webm", 2).read_bytes()
        cls.cluster.add("big/0000 first.webm", film, title="0000 first")
        cls.cluster.control.stop()
        # the catalog's own form: rows as that of the first one, without shards of their own
        with contextlib.closing(sqlite3.connect(cls.cluster.control.data / "catalog.db")) as db, db:
            columns = [row[1] for row in db.execute("PRAGMA table_info (medium)") if row[1] not in ("id", "name", "title")]
            kept = ", ".join(columns)
            db.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO medium (name, title, %s)"
                       " SELECT printf ('big/%%04d film.webm', i), printf ('%%04d film', i), %s FROM n, medium WHERE medium.name = 'big/0000 first.webm'"
                       % (kept, kept), (MEDIA - 1,))
            # what searches look in, which control writes with each change
            db.execute("INSERT INTO medium_indexed (medium, text) SELECT id, name || char (10) || ifnull (title, '') FROM medium"
                       " WHERE id NOT IN (SELECT medium FROM medium_indexed)")
            db.execute("INSERT INTO medium_text (rowid, text) SELECT id, name || char (10) || ifnull (title, '') FROM medium"
                       " WHERE name <> 'big/0000 first.webm'")
        cls.cluster.control.start()
        cls.cluster.wait_nodes()

    def test_scrolling(self):
        self.sign_in()
        self.go("/library?folder=big")
        self.find("link", "0000 first")
        self.assertLess(self.script("return document.querySelectorAll('.virtual li').length"), DRAWN)
        self.show("library-large")
        self.resize("wall")
        self.find("link", "0000 first")
        self.screenshot("library-large-wall")
        self.resize("desk")
        # most frames come quickly while it is scrolled, however busy the machine is besides
        self.browser.set_script_timeout(120)
        self.addCleanup(self.browser.set_script_timeout, browser.WAIT_S)
        frames = sorted(self.browser.execute_async_script(
            "const done = arguments[0]; let last = 0, frames = [];"
            "const step = (now) => { frames.push(now - last); last = now; scrollBy(0, 900); if (frames.length < 120) requestAnimationFrame(step); else done(frames); };"
            "requestAnimationFrame((now) => { last = now; requestAnimationFrame(step); })"))
        print("of 120 frames while scrolling the middle one took %.0f ms, the longest one %.0f ms" % (frames[60], frames[-1]))
        self.assertLess(frames[60], 200)
        self.script("scrollTo(0, document.documentElement.scrollHeight)")
        self.find("link", "9999 film")
        self.assertLess(self.script("return document.querySelectorAll('.virtual li').length"), DRAWN)
        self.script("scrollTo(0, document.documentElement.scrollHeight / 2)")
        self.wait(lambda: self.find_all("link", "film"), "the middle")
        link = self.find("link", "film")
        name, before = link.accessible_name, self.wait(lambda: self.script("return Math.round(scrollY)"), "to be scrolled")
        self.wait(lambda: self.script("return history.state.scroll") == before, "the place to be noted")
        self.script("arguments[0].click()", link)
        self.wait(lambda: self.path.startswith("/about/"), "the details")
        self.browser.back()
        self.wait(lambda: abs(self.script("return scrollY") - before) < 5, "the place before")
        self.find("link", name.split("\n")[0])

    def test_search(self):
        self.sign_in()
        self.go("/library?folder=big")
        self.find("link", "0000 first")
        self.type("Search the library", "7654")
        self.find("link", "7654 film")
        self.assertEqual(len(self.find_all("link", "film")), 1)


if __name__ == "__main__":
    unittest.main()
