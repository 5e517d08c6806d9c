# SPDX-License-Identifier: LGPL-2.1-or-later
"""The administrators' pages in a real browser: all of them as they look, who may see them, the overview, storage servers, two administrators, keys alone."""

import re
import threading
import unittest

import admin_case
import browser
from admin_case import PAGES
from browser import Keys, PASSWORD


class Admin(admin_case.AdminCase):
    # all of them

    def test_every_page(self):
        self.start_job()
        self.start_session()
        self.cluster.api("PUT", "/policies/masters", {"match": {"names": "masters/*"}, "redundancy": "1+1", "keep_original": True})
        self.addCleanup(self.cluster.api, "DELETE", "/policies/masters", status=204)
        for page in PAGES:
            self.admin("/admin/" + page)
            self.show("admin-" + page)
            self.check_axe("/admin/" + page)
            self.check_phone("admin-" + page)

    def test_viewer_refused(self):
        self.sign_in("vera")
        for page in PAGES:
            self.go("/admin/" + page)
            self.find("heading", "This page is not for you")
        self.assertEqual(self.find_all("link", "Overview"), [])
        self.show("admin-refused")
        # operators run the cluster, and have no users, policies or storage servers to add
        self.sign_in("otto")
        self.go("/admin/users")
        self.find("heading", "This page is not for you")
        for page, button in (("nodes", "Add a storage server"), ("policies", "Add a policy")):
            self.visit("/admin/" + page)
            self.assertEqual(self.find_all("button", button), [])
        self.go("/admin/overview")
        self.find("heading", "Overview", exact=True)

    def test_korean(self):
        self.admin("/admin/overview")
        self.click("button", "Account: admin")
        self.click("button", "한국어")
        self.see_any("모두 정상입니다", "과부하가 걸렸습니다")
        self.assertIn("저장 서버 4대가 모두 작동 중입니다", self.texts(".health p")[0])
        for page in PAGES:
            self.visit("/admin/" + page)
            self.assertEqual(self.script("return document.documentElement.lang"), "ko")
            self.assertNotRegex(self.one("main").text, r"undefined|\[object|NaN")
            self.screenshot("admin-%s-korean" % page)

    def test_keyboard(self):
        """From the sign-in to a user who has been added and removed, without a mouse."""
        self.go("/admin/users")
        self.find("heading", "Sign in to PMSS")
        self.wait(lambda: self.focused().accessible_name == "User name", "the first field to have the focus")
        self.press("admin", Keys.TAB, self.cluster.password, Keys.ENTER)
        self.find("button", "Add a user")
        self.press(Keys.TAB)
        self.assertEqual(self.focused().text, "Skip to the content")
        self.press(Keys.ENTER)
        self.tab_to("Add a user")
        self.press(Keys.ENTER)
        self.wait(lambda: self.focused().accessible_name == "Name", "the form to have the focus")
        # name, role, password, the button beside it, cancel, add
        self.press("kim", Keys.TAB, "o", Keys.TAB, PASSWORD, Keys.ENTER)
        self.see("kim is added.")
        self.assertEqual({user["name"]: user["role"] for user in self.cluster.api("GET", "/users")["users"]}["kim"], "operator")
        # the focus is back where the question was asked
        self.wait(lambda: self.focused().text == "Add a user", "the focus to be back")
        self.wait(lambda: "kim" in self.texts("tbody strong"), "the new user")
        row = 1 + self.texts("tbody strong").index("kim")
        self.tab_to("Role of kim")
        self.tab_to("Remove")
        self.assertEqual(self.script("return document.activeElement.closest('tr').rowIndex"), row)
        self.press(Keys.ENTER)
        self.see("Remove kim?")
        # out of it, without an answer, and in again
        self.press(Keys.ESCAPE)
        self.wait_answered()
        self.assertEqual(self.focused().text, "Remove")
        self.press(Keys.ENTER)
        self.see("Remove kim?")
        self.tab_to("Remove", "dialog[open]")
        self.press(Keys.ENTER)
        self.wait(lambda: "kim" not in self.texts("tbody strong"), "the user to go")
        self.assertNotIn("kim", [user["name"] for user in self.cluster.api("GET", "/users")["users"]])

    # the overview

    def test_overview(self):
        self.admin("/admin/overview")
        self.see_any("All is well", "is overloaded")
        self.see("All 4 storage servers are up")
        node = self.cluster.nodes[3]
        node.kill()
        self.addCleanup(self.cluster.wait_nodes)
        self.addCleanup(node.start)
        # it is told, not asked for
        self.see("Storage server %d is down." % node.id)
        self.see("1 of 4 storage servers is down")
        self.see("Something needs attention")
        self.show("admin-overview-attention")
        self.check_axe("overview with an item")
        self.check_phone("admin-overview-attention")
        self.click("button", "Rebuild its shards now")
        self.see("Start it again, or have its shards rebuilt on the others.")
        self.press(Keys.ESCAPE)
        self.wait_answered()

    # storage servers

    def test_repair(self):
        """A server that is down: the medium says so, its shards are rebuilt on the others, and all is whole without it."""
        node = self.cluster.nodes[3]
        self.assertGreater(len(node.shards()), 0)
        node.kill()
        self.addCleanup(self.cluster.wait_nodes)
        self.addCleanup(node.start)
        self.cluster.wait_nodes()
        self.admin("/admin/media/films/Sintel.webm")
        self.see("degraded")
        self.see("some redundancy is gone")
        self.wait(lambda: self.all(".layout-map .shard.away"), "the shards that are away")
        self.screenshot("admin-medium-degraded")
        self.click("link", "Rebuild the shards of storage server %d" % node.id)
        self.see("down for")
        self.screenshot("admin-node-down")
        self.click("button", "Rebuild its shards now")
        self.see("Media are whole again when the job is done")
        self.check_axe("the question about a repair")
        self.answer("Rebuild its shards now")
        self.wait_answered()
        self.wait(lambda: self.cluster.medium("films/Sintel.webm")["health"]["state"] == "whole", "the medium to be whole", 60)
        self.visit("/admin/media/films/Sintel.webm")
        self.see("Every shard is there and good.")
        self.wait(lambda: self.all(".layout-map .shard.ok") and not self.all(".layout-map .shard.away"), "a whole map")

    def test_add_node(self):
        self.admin("/admin/nodes")
        self.click("button", "Add a storage server")
        self.expect("Failed to load resource: the server responded with a status of 400")
        self.type("Zone", "rack 2")
        self.click("button", "Show the line")
        self.one("dialog[open] [role=alert]")
        self.screenshot("admin-add-node-zone")
        self.type("Zone", "rack2")
        self.click("button", "Show the line")
        line = self.one(".copy-line input").get_attribute("value")
        self.assertRegex(line, r"^pmss-storage --control=http://\S+ --join-token=\S+ --data=\S+ --zone=rack2$")
        self.see("Waiting for it.")
        self.screenshot("admin-add-node")
        self.check_axe("adding a storage server")
        node = self.cluster.add_node()
        self.see("Storage server %d has joined." % node.id)
        self.assertEqual(len(self.all(".node")), len(self.cluster.nodes))
        self.press(Keys.ESCAPE)
        self.wait_answered()
        self.screenshot("admin-node-joined")
        # one that holds shards is not removed, and the page says why
        self.expect("Failed to load resource: the server responded with a status of 409")
        self.remove_node(self.cluster.nodes[0].id)
        self.see("shards")
        self.assertTrue(self.all("dialog[open] [role=alert]"))
        self.press(Keys.ESCAPE)
        self.wait_answered()
        # the others' tests have four
        node.stop()
        self.cluster.wait_nodes()
        self.remove_node(node.id)
        self.wait_answered()
        self.cluster.nodes.remove(node)
        self.wait(lambda: len(self.all(".node")) == len(self.cluster.nodes), "it to go")

    def remove_node(self, id):
        self.press_it(lambda: self.one("#node-%d .button.quiet" % id), "the button that removes it")
        self.see("Remove storage server %d" % id)
        self.answer("Remove")

    # two at once

    def test_two_administrators(self):
        """What one of them changes the other one sees, without a reload."""
        self.cluster.api("POST", "/users", {"name": "ada", "password": PASSWORD, "role": "admin"}, 201)
        self.addCleanup(self.cluster.api, "DELETE", "/users/ada", status=204)
        job = self.start_job()
        self.admin("/admin/jobs?state=running")
        self.see("#%d" % job)
        with self.second_browser() as first:
            self.admin("/admin/jobs?state=running", "ada")
            self.click("button", "Pause")
            self.wait(lambda: "No job is in this state" in first.find_element("tag name", "body").text, "the first one to see that the job is paused")
            self.visit("/admin/users")
            first.get(self.cluster.url + "/admin/users")
            self.wait(lambda: "ada" in first.find_element("tag name", "body").text, "the first one's users")
            self.choose("Role of otto", "viewer")
            self.wait(lambda: first.execute_script("return [...document.querySelectorAll('select')].find((one) => one.labels[0].textContent === 'Role of otto')?.value") == "viewer",
                      "the first one to see the new role")
            self.choose("Role of otto", "operator")
            self.see("otto is operator now.")
            self.go("/healthz")

    # the connection

    def test_late_stream(self):
        """What happens after the data were asked for, and before the stream of events begins, is seen all the same."""
        line, held = self.make_line(), threading.Event()
        self.addCleanup(held.set)
        line.before_request = (b"GET /api/v1/stream", held.wait)
        self.admin("/admin/media", at=line.port)
        self.wait(lambda: line.before_request is None, "the stream to be asked for")
        self.wait(lambda: re.search(r"[3-9] seconds ago", self.one(".as-of").text), "the data to be old")
        self.cluster.add("late.txt", b"late\n")
        self.addCleanup(self.cluster.delete, "late.txt")
        self.assertNotIn("late.txt", self.texts(".media-table a"))
        held.set()
        self.wait(lambda: "late.txt" in self.texts(".media-table a"), "the medium that was added meanwhile")

    def test_connection(self):
        """A server that is away: a quiet note, and back by itself."""
        self.expect("Failed to load resource")
        self.admin("/admin/nodes")
        self.cluster.control.stop()
        self.see("cannot be reached")
        self.screenshot("admin-lost")
        self.cluster.control.start()
        self.cluster.wait_nodes()
        self.wait(lambda: "cannot be reached" not in self.browser.find_element("tag name", "body").text, "the note to go")
        self.assertEqual(len(self.all(".node")), len(self.cluster.nodes))


if __name__ == "__main__":
    unittest.main()
