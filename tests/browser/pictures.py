# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the pictures of the documentation: `ninja -C build pictures` writes them into docs/pictures.

ffmpeg draws the films: soft colours, a frame each two minutes. So they are made quickly, and the pictures stay small.
"""

import pathlib
import subprocess
import unittest

import admin_case
import cluster
from browser import ActionChains

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "pictures"
SIZE = (1200, 800)
MOST = 150 * 1024
# name, seconds, kind of gradient, its colours
FILMS = (
    ("A Walk in March", 1340, "linear", ("0x12355b", "0xd4f1f4", "0xf2b134")),
    ("Harbour at Night", 5460, "radial", ("0xf7c873", "0x23395b", "0x0b132b")),
    ("The Glass Orchard", 6225, "spiral", ("0x2d6a4f", "0xd8f3dc", "0x1b4332")),
    ("Northern Lights", 3120, "linear", ("0x03071e", "0x38b000", "0x5a189a")),
    ("Sand and Wind", 4410, "circular", ("0xe9c46a", "0xe76f51", "0x264653")),
    ("Letters Home", 2785, "radial", ("0xffcad4", "0xb0d0d3", "0x6d6875")),
    ("Under the Bridge", 5012, "spiral", ("0x780000", "0xfdf0d5", "0x003049")),
    ("Tea for Nine", 1810, "linear", ("0xcdb4db", "0xa2d2ff", "0xffafcc")),
)
# behind each film, so that it has many extents
FILLING = 12 * 1000 * 1000
SUBFOLDERS = ("concerts", "lectures/2026")


def draw_film(path, seconds, kind, colours):
    colours = ":".join("c%d=%s" % pair for pair in enumerate(colours))
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "gradients=s=640x360:r=1/120:d=%d:n=3:%s:type=%s:speed=0.05:seed=%d" % (seconds, colours, kind, seconds),
         "-pix_fmt", "yuv420p", "-c:v", "libvpx", "-b:v", "1M", "-qmin", "0", "-qmax", "8", "-deadline", "realtime", "-cpu-used", "16", "-g", "1", str(path)], check=True, stdin=subprocess.DEVNULL)
    return path.read_bytes()


class Pictures(admin_case.AdminCase):
    nodes = 6
    timeout = 1200
    control_options = {"default-redundancy": "4+2", "unit": "64KiB", "extent": "256KiB"}

    @classmethod
    def fill(cls):
        FOLDER.mkdir(exist_ok=True)
        for title, seconds, kind, colours in FILMS:
            film = draw_film(cls.folder / "film.webm", seconds, kind, colours)
            cls.cluster.add("films/%s.webm" % title, film + bytes(FILLING), title=title)
        for folder in SUBFOLDERS:
            cls.cluster.add("films/%s/first.webm" % folder, (cls.folder / "film.webm").read_bytes())
        cls.cluster.wait_jobs()

    def take(self, name):
        self.browser.set_window_size(*SIZE)
        file = FOLDER / (name + ".png")
        self.browser.save_screenshot(str(file))
        self.assertLess(file.stat().st_size, MOST, name)

    def test_viewer(self):
        self.sign_in()
        self.browser.set_window_size(*SIZE)
        self.go("/library?folder=films")
        self.wait(lambda: len(self.all(".poster img.loaded")) >= len(FILMS), "the posters")
        self.take("library")
        self.go("/watch/films/Harbour%20at%20Night.webm?t=1500")
        self.wait_playing(1500.5)
        ActionChains(self.browser).move_to_element(self.find("slider", "Position")).perform()
        self.take("player")

    def test_administrator(self):
        films = "films/The Glass Orchard.webm"
        self.cluster.session("films/Harbour at Night.webm")
        victim = self.cluster.nodes[4]
        victim.kill()
        self.cluster.wait_nodes()
        self.admin("/admin/overview")
        self.browser.set_window_size(*SIZE)
        self.see("is down.")
        self.take("overview")
        self.visit("/admin/nodes#node-%d" % victim.id)
        self.one(".node.marked")
        self.take("nodes")
        self.visit("/admin/media/" + cluster.encode_name(films))
        heading = self.wait(lambda: self.all(".layout-map .shard.away") and self.find("heading", "Where it lies"), "the map")
        self.script("scrollTo(0, scrollY + arguments[0].getBoundingClientRect().top - 100)", heading)
        self.take("layout")
        victim.start()
        self.cluster.wait_nodes()


if __name__ == "__main__":
    unittest.main()
