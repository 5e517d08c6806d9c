# SPDX-License-Identifier: LGPL-2.1-or-later
"""Charts in a real browser: they move, show gaps as gaps, say the same as the API, to eyes, keys and screen readers. A hundred storage servers at once."""

import contextlib
import re
import shutil
import time
import unittest

import admin_case
import browser
import cluster
from browser import Keys
from simulated_nodes import Crowd, register

STREAMS = "Streams and people"
NODES = 100
MOVES_S = 3
# so long that its gap is some pixels wide
SILENCE_S = 6
HOT, COLD = 17, 23
# more than two columns of the heat map: the newest one has nothing else
COLUMN_S = 13


class ChartCase(admin_case.AdminCase):
    def chart(self, title):
        return self.wait(lambda: next((one for one in self.all("figure.chart") if one.get_attribute("aria-label") == title), None), "the chart %r" % title)

    def plot(self, title):
        """What is drawn of it, once it is."""
        def look():
            chart = self.chart(title)
            return chart.find_element("css selector", ".chart-plot") if chart.find_elements("css selector", ".u-over") else None
        return self.wait(look, "the chart %r to be drawn" % title)

    def toggle(self, title):
        self.press_it(lambda: self.chart(title).find_element("css selector", ".chart-head button"), "the button of the table")

    def said(self):
        return [text for text in self.texts("figure.chart [role=status]") if text]

    @contextlib.contextmanager
    def table(self, title):
        """The rows of the chart's table as they are while it has the focus: {time: [value or None, ...]}."""
        self.toggle(title)
        box = self.wait(lambda: next(iter(self.chart(title).find_elements("css selector", ".chart-table")), None), "the table")
        self.script("arguments[0].focus()", box)
        try:
            yield {int(when): values for when, values in self.script(
                "return [...arguments[0].querySelectorAll('tbody tr')].map((row) => [row.dataset.time,"
                " [...row.querySelectorAll('td')].map((cell) => cell.classList.contains('gap') ? null : Number(cell.dataset.value))])", box)}
        finally:
            self.toggle(title)

    def history(self, series, nodes, span="live", points=600):
        return self.cluster.api("GET", "/history?series=%s&nodes=%s&span=%s&points=%d" % (series, nodes, span, points))

    def values_of(self, name, node):
        return self.history(name, node)["series"][0]["mean"]


class Monitoring(ChartCase):
    def test_moves(self):
        """The chart's code is loaded with the first chart, which then goes on by itself."""
        asked = "return performance.getEntriesByType('resource').map((one) => one.name).filter((name) => /plot-[^/]+\\.js$/.test(name)).length"
        self.sign_in("admin", self.cluster.password)
        self.go("/library")
        self.find("link", "films")
        self.assertEqual(self.script(asked), 0)
        self.visit("/admin/monitoring")
        first = int(self.plot(STREAMS).get_attribute("data-until"))
        self.assertGreater(self.script(asked), 0)
        self.wait(lambda: int(self.plot(STREAMS).get_attribute("data-until")) > first, "the chart to move", MOVES_S)
        self.assertAlmostEqual(int(self.plot(STREAMS).get_attribute("data-until")), time.time(), delta=10)

    def test_looks(self):
        for path, name in (("/admin/monitoring", "monitoring"), ("/admin/nodes/%d" % self.cluster.nodes[0].id, "node"), ("/admin/overview", "overview")):
            self.admin(path)
            self.wait(lambda: self.all(".u-over"), "charts")
            # one as a table
            self.press_it(lambda: self.one("figure.chart button"), "the button of a table")
            self.one(".chart-table")
            self.show("monitoring-" + name)
            self.check_axe(path)
            self.check_phone("monitoring-" + name)
        # a server's machine, as far as this one tells
        self.visit("/admin/nodes/%d" % self.cluster.nodes[0].id)
        self.assertIn("Network interfaces", self.texts("h2"))
        self.assertNotRegex(self.one("main").text, r"undefined|\[object|NaN")
        # where there is no such server
        self.visit("/admin/nodes/999")
        self.see("There is no such storage server")

    def test_korean(self):
        self.admin("/admin/monitoring")
        self.click("button", "Account: admin")
        self.click("button", "한국어")
        self.plot("스트림과 사용자")
        self.assertNotRegex(self.one("main").text, r"undefined|\[object|NaN")
        self.screenshot("monitoring-korean")
        plot = self.plot("스트림과 사용자")
        self.script("arguments[0].focus()", plot)
        self.press(Keys.ARROW_LEFT)
        self.wait(lambda: any(re.match(r"오[전후] \d+:\d\d:\d\d: 스트림 ", text) for text in self.said()), "the point in Korean")
        self.visit("/admin/nodes/%d" % self.cluster.nodes[0].id)
        self.plot("프로세서")
        self.screenshot("monitoring-node-korean")

    def test_keys(self):
        """Tab leads to a chart, the arrow keys read it."""
        self.admin("/admin/monitoring")
        self.plot(STREAMS)
        # its axes have their values, so that there is a point to be read
        self.wait(lambda: [v for v in self.values_of("streams", 0) if v is not None], "figures of the cluster")
        self.script("document.querySelector('.spans button:last-child').focus()")
        self.tab_to(STREAMS, ".chart-plot")
        self.press(Keys.END)
        newest = self.wait(lambda: next(iter(self.said()), None), "the newest point")
        self.assertRegex(newest, r"^\d+:\d\d:\d\d [AP]M: streams \S+.*; users \S+.*; clients \S+")
        self.press(Keys.ARROW_LEFT)
        self.wait(lambda: self.said() and self.said()[0] != newest, "the point before it")
        # the others show the same moment
        self.wait(lambda: len(self.all(".chart-time")) == len(self.all("figure.chart")), "the moment in all charts")
        self.assertEqual(len(set(self.texts(".chart-time"))), 1)
        self.screenshot("monitoring-cursor")
        self.press(Keys.HOME)
        self.wait(lambda: self.said() and "no data" in self.said()[0] and self.said()[0] != newest, "the oldest point, of a time before the cluster")
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.all(".chart-time"), "the cursor to go")

    def test_same_as_api(self):
        node = self.cluster.nodes[1].id
        self.admin("/admin/nodes/%d" % node)
        self.plot("Memory")
        self.wait(lambda: len([v for v in self.values_of("memory", node) if v]) > 3, "figures of a storage server")
        self.wait(lambda: self.chart("Memory").find_elements("css selector", ".chart-legend strong")[0].text != "no data", "them in the chart")
        with self.table("Memory") as rows:
            answer = self.history("memory,memory_total", node)
            told = {one["name"]: {answer["start"] + i * answer["step"]: value for i, value in enumerate(one["mean"])} for one in answer["series"]}
            same = [when for when in rows if when in told["memory"]]
            self.assertGreater(len(same), 500)
            self.assertTrue([when for when in same if rows[when][0] is not None])
            # the last seconds may have come since
            for when in sorted(same)[:-3]:
                self.assertEqual(rows[when], [told["memory"][when], told["memory_total"][when]], when)

    def test_gap(self):
        """A server that was away leaves a gap in the numbers, and no line over it."""
        node = self.cluster.nodes[3]
        self.expect("Canvas2D: Multiple readback operations")
        self.admin("/admin/nodes/%d" % node.id)
        self.plot("Memory")
        known = lambda: [i for i, v in enumerate(self.values_of("memory", node.id)) if v is not None]
        self.wait(lambda: len(known()) > 3, "figures before")
        self.addCleanup(self.cluster.wait_nodes)
        node.kill()
        self.addCleanup(lambda: node.running() or node.start())
        self.wait(lambda: all(v is None for v in self.values_of("memory", node.id)[-SILENCE_S:]), "a silence")
        node.start()
        self.wait(lambda: self.values_of("memory", node.id)[-1] is not None, "figures after it")
        until = int(self.plot("Memory").get_attribute("data-until"))
        self.wait(lambda: int(self.plot("Memory").get_attribute("data-until")) > until + 1, "the page to have them")
        with self.table("Memory") as rows:
            gap = self.find_gap(rows)
            self.assertGreaterEqual(len(gap), SILENCE_S)
        self.plot("Memory")
        self.assertEqual(self.ink("Memory", gap[1], gap[-2]), 0)
        before = [when for when in rows if when < gap[0] and rows[when][0] is not None]
        self.assertGreater(self.ink("Memory", min(before), max(before)), 0)
        self.screenshot("monitoring-gap")

    def find_gap(self, rows):
        """The times of the last gap that has values on both sides."""
        gap, seen = [], False
        for when in sorted(rows, reverse=True):
            if rows[when][0] is not None:
                if gap:
                    return gap[::-1]
                seen = True
            elif seen:
                gap.append(when)
        self.fail("there is no gap")

    def ink(self, title, start, end):
        """How many dots of the first line's colour there are from @start to @end."""
        return self.script(
            "const [plot, start, end] = arguments, canvas = plot.querySelector('canvas'), over = plot.querySelector('.u-over').getBoundingClientRect(),"
            " box = canvas.getBoundingClientRect(), scale = canvas.width / box.width, from = Number(plot.dataset.start), to = Number(plot.dataset.until) - Number(plot.dataset.step),"
            " at = (time) => (over.left - box.left + ((time - from) / (to - from)) * over.width) * scale, left = Math.ceil(at(start)), width = Math.max(1, Math.floor(at(end)) - left),"
            " {data} = canvas.getContext('2d').getImageData(left, 0, width, canvas.height);"
            "let count = 0; for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 100 && Math.abs(data[i] - 11) < 40 && Math.abs(data[i + 1] - 107) < 40 && Math.abs(data[i + 2] - 102) < 40) count++;"
            "return count;", self.plot(title), start, end)

    def test_span(self):
        """It is in the address, and stays over a reload."""
        self.admin("/admin/monitoring?figure=net_out")
        self.plot(STREAMS)
        self.click("button", "Month")
        self.wait(lambda: self.path == "/admin/monitoring?figure=net_out&span=month", "the span in the address")
        self.browser.refresh()
        self.wait(lambda: int(self.plot(STREAMS).get_attribute("data-step")) >= 600, "ten minutes a point")
        self.assertEqual(self.find("combobox", "Figure").get_attribute("value"), "net_out")
        self.click("button", "2 years")
        self.wait(lambda: int(self.plot(STREAMS).get_attribute("data-step")) >= 3600, "an hour a point")

    def test_no_history(self):
        """Where control cannot keep one, the page says so, and what to do. The last ten minutes need none."""
        control = self.cluster.control
        file = control.data / "history.db"
        control.stop()
        for old in control.data.glob("history.db*"):
            old.unlink()
        file.mkdir()
        (file / "in the way").touch()
        control.start()
        self.addCleanup(self.cluster.wait_nodes)
        self.addCleanup(control.start)
        self.addCleanup(lambda: shutil.rmtree(file, ignore_errors=True))
        self.addCleanup(control.stop)
        self.cluster.wait_nodes()
        self.expect("Failed to load resource: the server responded with a status of 503")
        self.admin("/admin/monitoring?span=month")
        self.see("The history is not available")
        self.screenshot("monitoring-no-history")
        self.find("link", "To the events")
        self.click("button", "10 minutes")
        self.plot(STREAMS)

    def test_from_overview(self):
        """An item about a server leads to it."""
        node = self.cluster.nodes[2]
        self.admin("/admin/overview")
        self.plot("Streams")
        node.kill()
        self.addCleanup(self.cluster.wait_nodes)
        self.addCleanup(node.start)
        self.click("link", "Storage server %d is down." % node.id)
        self.wait(lambda: self.path == "/admin/nodes/%d" % node.id, "its page")
        self.find("button", "Rebuild its shards now")
        self.see("What its disks do is not known.")


class Many(ChartCase):
    """A hundred storage servers, of which one is hot and one falls silent."""
    nodes = 0
    control_options = {"max-connections-per-address": "500"}
    haste = 1
    crowd = None

    @classmethod
    def fill(cls):
        control = cls.cluster.control
        control.stop()
        secrets = register(control.data / "catalog.db", NODES)
        control.start()
        cls.crowd = Crowd(control.port, secrets, cls.figures)
        cluster.wait_for(lambda: all(node["state"] == "up" for node in cls.cluster.api("GET", "/nodes")["nodes"]), "all to be up")

    @classmethod
    def tearDownClass(cls):
        if cls.crowd:
            cls.crowd.stop()
        super().tearDownClass()

    @staticmethod
    def figures(id):
        return {"cpu": 0.97 if id == HOT else 0.05 + (id % 10) / 20, "memory": 2e9, "memory_total": 8e9, "connections": id}

    def test_heat_map(self):
        self.admin("/admin/monitoring")
        self.one(".heat-plot canvas")
        self.wait(lambda: self.values_of("cpu", HOT)[-12:].count(None) == 0, "some seconds of figures")
        # the hottest one is named, and leads to its page
        self.find("link", "Storage server %d: 97%%" % HOT)
        self.script("document.querySelector('.heat-plot').scrollIntoView()")
        self.show("monitoring-heat-map")
        self.check_axe("heat map")
        self.check_phone("monitoring-heat-map")
        self.script("document.querySelector('.heat-plot').focus()")
        # to the last column, and down to the hot one
        self.press(Keys.END, Keys.PAGE_DOWN, *[Keys.ARROW_DOWN] * (HOT - 11))
        said = self.wait(lambda: next((text for text in self.said() if text.startswith("Storage server %d," % HOT)), None), "the hot one to be read")
        self.assertRegex(said, r"\d+:\d\d:\d\d [AP]M: 97%$")
        self.screenshot("monitoring-heat-map-cursor")
        self.press(Keys.ENTER)
        self.wait(lambda: self.path == "/admin/nodes/%d" % HOT, "its page")

    def test_heat_table(self):
        """One falls silent: its cells are gaps, those of the others are what the API says."""
        self.wait(lambda: self.values_of("cpu", COLD)[-1] is not None, "the first figures")
        self.crowd.silence(COLD)
        self.wait(lambda: self.values_of("cpu", COLD)[-COLUMN_S:].count(None) == COLUMN_S, "a silence")
        self.admin("/admin/monitoring?figure=connections")
        self.one(".heat-plot canvas")
        self.toggle("Connections")
        self.one("tr[data-node='%d'] td" % COLD)
        cells = lambda id: self.script("return [...document.querySelectorAll(`tr[data-node='${arguments[0]}'] td`)].map((one) => one.dataset.value === undefined ? null : Number(one.dataset.value))", id)
        self.assertEqual(cells(COLD)[0], None)
        # control keeps four digits or so
        self.assertAlmostEqual(cells(42)[0], 42, delta=0.1)
        self.assertEqual(len(self.all("tr[data-node]")), NODES)


if __name__ == "__main__":
    unittest.main()
