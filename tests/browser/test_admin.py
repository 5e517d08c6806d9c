# SPDX-License-Identifier: LGPL-2.1-or-later
"""The administrators' pages in a real browser: the overview, uploads, storage servers, jobs, streams, users, events, policies."""

import unittest

import browser
import cluster
from browser import By, Keys, PASSWORD

HOSTILE = "<img src=x onerror=alert(1)>.mp4"
PAGES = ("overview", "media", "nodes", "jobs", "policies", "sessions", "users", "clients", "events")
MB = 1000 * 1000
SLOW = MB


class Admin(browser.TestCase):
    @classmethod
    def fill(cls):
        cls.film = browser.make_film(cls.folder / "film.webm", 20)
        cls.cluster.add("films/Sintel.webm", cls.film.read_bytes())

    def setUp(self):
        super().setUp()
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.throttle(-1)

    def tearDown(self):
        # a page that is still open would ask without its cookie
        self.go("/healthz")
        super().tearDown()

    def throttle(self, rate):
        """Bytes a second that the browser may send; -1: as many as it can."""
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate})

    def admin(self, path):
        self.sign_in("admin", self.cluster.password)
        self.go(path)
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, "h1") and not self.browser.find_elements(By.CSS_SELECTOR, ".loading"), path)

    def pick(self, *paths):
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, "input.pick-files"), "the upload")[0].send_keys("\n".join(map(str, paths)))

    def uploads(self):
        """The state of each upload in the list, by name."""
        return dict(self.script("return [...document.querySelectorAll('.upload')].map((row) => [row.querySelector('.upload-name').firstChild.textContent, row.dataset.state])"))

    def make_file(self, name, size):
        path = self.folder / name
        path.write_bytes(self.film.read_bytes() + bytes(max(0, size - self.film.stat().st_size)) if size else b"")
        return path

    def job(self, name, **query):
        return self.cluster.api("POST", "/media/%s/verify?rate_limit=%d" % (cluster.encode_name(name), query["limit"]), status=202)["job"]

    # all of them

    def test_every_page(self):
        job = self.job("films/Sintel.webm", limit=8000)
        self.addCleanup(self.cluster.api, "POST", "/jobs/%d/cancel" % job)
        # comes with the reports of readers
        self.expect("/api/v1/clients - Failed to load resource: the server responded with a status of 404")
        session = self.cluster.session("films/Sintel.webm")["id"]
        self.addCleanup(self.cluster.api, "DELETE", "/sessions/" + session, status=204)
        for page in PAGES:
            self.admin("/admin/" + page)
            self.show("admin-" + page)
            self.check_axe("/admin/" + page)
            self.check_fits("/admin/" + page)
        self.admin("/admin/media/films/Sintel.webm")
        self.find("heading", "Health")
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, ".layout-map .shard.ok"), "the map of the layout")
        self.show("admin-medium")
        self.click("button", "Table", exact=True)
        self.see("shard 0: whole")
        self.check_axe("/admin/media/NAME")
        self.check_fits("/admin/media/NAME")

    def test_viewer_refused(self):
        self.sign_in("vera")
        for page in PAGES:
            self.go("/admin/" + page)
            self.find("heading", "This page is not for you")
        self.assertEqual(self.find_all("link", "Overview"), [])
        self.show("admin-refused")
        # operators run the cluster, and have no users
        self.sign_in("otto")
        self.go("/admin/users")
        self.find("heading", "This page is not for you")
        self.go("/admin/overview")
        self.find("heading", "Overview", exact=True)

    def test_korean(self):
        self.admin("/admin/overview")
        self.click("button", "Account: admin")
        self.expect("/api/v1/clients - Failed to load resource: the server responded with a status of 404")
        self.click("button", "한국어")
        self.see("모두 정상입니다")
        for page in PAGES:
            self.go("/admin/" + page)
            self.wait(lambda: self.script("return document.querySelector('h1')?.textContent.length > 0 && document.documentElement.lang === 'ko'"), page)
        self.assertNotIn("undefined", self.browser.find_element(By.TAG_NAME, "body").text)

    # the overview

    def test_overview(self):
        self.admin("/admin/overview")
        self.see("All is well")
        self.see("All 4 storage servers are up")
        node = self.cluster.nodes[3]
        node.kill()
        self.addCleanup(self.cluster.wait_nodes)
        self.addCleanup(node.start)
        # it is told, not asked for
        self.see("Storage server %d is down." % node.id)
        self.see("1 of 4 storage servers is down")
        self.show("admin-overview-attention")
        self.check_axe("overview with an item")
        self.click("button", "Rebuild its shards now")
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, "dialog[open]"), "the question")
        self.press(Keys.ESCAPE)
        self.wait(lambda: not self.browser.find_elements(By.CSS_SELECTOR, "dialog[open]"), "the question to go")

    # uploads

    def test_upload_over_a_reload(self):
        """Two at once; the page is loaded anew in between, the files are picked again, and both go on."""
        paths = [self.make_file("first.webm", 12 * MB), self.make_file("second.webm", 12 * MB)]
        self.admin("/admin/media")
        self.throttle(SLOW)
        self.pick(*paths)
        self.wait(lambda: self.script("return [...document.querySelectorAll('.bars progress:first-of-type')].filter((bar) => bar.value > 0.2).length") == 2, "both to be under way", 60)
        self.assertEqual(set(self.uploads().values()), {"sending"})
        self.screenshot("admin-upload")
        self.browser.refresh()
        self.wait(lambda: self.uploads() == {"first.webm": "lost", "second.webm": "lost"}, "the interrupted uploads to be named")
        self.see("2 uploads were interrupted")
        self.screenshot("admin-upload-lost")
        # what had arrived is kept, from when the server has noticed
        self.wait(lambda: all(upload["offset"] > MB for upload in self.cluster.api("GET", "/uploads")["uploads"]), "what had arrived to be durable")
        self.throttle(-1)
        self.pick(*paths)
        self.wait(lambda: self.uploads() == {"first.webm": "done", "second.webm": "done"}, "both to be stored", 60)
        for path in paths:
            self.assertEqual(self.cluster.read_back(path.name), path.read_bytes())
        begun = [event for event in self.cluster.api("GET", "/events?limit=1000")["events"] if event["action"] == "upload begin" and event["object"] in ("first.webm", "second.webm")]
        self.assertEqual(len(begun), 2)

    def test_upload_refused(self):
        """A clear word beside each file that cannot be; the others go on. A name is only a name."""
        self.cluster.add("there.webm", b"there already")
        self.expect("/api/v1/uploads - Failed to load resource: the server responded with a status of 409")
        self.admin("/admin/media")
        self.pick(self.make_file("empty.mp4", 0), self.make_file("there.webm", MB), self.make_file(HOSTILE, MB))
        self.wait(lambda: self.uploads() == {"empty.mp4": "failed", "there.webm": "failed", HOSTILE: "done"}, "the uploads to end", 60)
        self.see("This file has 0 bytes")
        self.see("There is a medium of this name")
        self.script("document.querySelector('.upload-options').open = true")
        self.type("Into the folder", "films/../..")
        self.pick(self.make_file("up.webm", MB))
        self.see("A name cannot have")
        self.screenshot("admin-upload-refused")
        self.assertEqual(self.script("return document.querySelectorAll('img').length"), 0)
        self.click("link", HOSTILE, exact=True)
        self.find("heading", HOSTILE)
        self.click("button", "Delete", exact=True)
        self.see("for good")
        self.browser.find_element(By.CSS_SELECTOR, "dialog button.danger").click()
        self.wait(lambda: self.path == "/admin/media", "the table")
        self.wait(lambda: HOSTILE not in [m["name"] for m in self.cluster.api("GET", "/media")["media"]], "the medium to be gone")

    # storage servers, jobs, streams

    def test_add_node(self):
        self.admin("/admin/nodes")
        self.click("button", "Add a storage server")
        self.click("button", "Show the line")
        line = self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, ".copy-line pre"), "the line")[0].text
        self.assertRegex(line, r"^pmss-storage --control=http://\S+ --join-token=\S+ --data=\S+$")
        self.screenshot("admin-add-node")
        node = self.cluster.add_node()
        self.see("Storage server %d has joined." % node.id)
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, ".node")), len(self.cluster.nodes))
        self.press(Keys.ESCAPE)
        self.screenshot("admin-node-joined")
        # the others' tests have four
        node.stop()
        self.cluster.wait_nodes()
        self.cluster.api("DELETE", "/nodes/%d" % node.id, status=204)
        self.cluster.nodes.remove(node)
        self.wait(lambda: len(self.browser.find_elements(By.CSS_SELECTOR, ".node")) == len(self.cluster.nodes), "it to go")

    def test_job(self):
        job = self.job("films/Sintel.webm", limit=8000)
        self.admin("/admin/jobs?state=running")
        self.see("#%d" % job)
        self.click("button", "Pause")
        self.wait(lambda: self.cluster.job(job)["state"] == "paused", "the job to pause")
        self.go("/admin/jobs?state=paused")
        self.click("button", "Resume")
        self.wait(lambda: self.cluster.job(job)["state"] in ("running", "queued"), "the job to go on")
        self.go("/admin/jobs")
        self.click("button", "Limit")
        self.type("At most, in Mbit/s", "2.5")
        self.press(Keys.ENTER)
        self.wait(lambda: self.cluster.job(job)["rate_limit"] in (2500000, 0) or self.cluster.job(job)["state"] == "done", "the limit")

    def test_end_session(self):
        self.cluster.session("films/Sintel.webm")
        self.admin("/admin/sessions")
        self.click("button", "End", exact=True)
        self.click("button", "End it")
        self.wait(lambda: not self.cluster.api("GET", "/sessions")["sessions"], "the session to end")
        self.see("Nobody is watching")

    # users, events, policies

    def test_users(self):
        self.admin("/admin/users")
        self.click("button", "Add a user")
        self.type("Name", "nora")
        self.type("Password", PASSWORD)
        self.screenshot("admin-add-user")
        self.press(Keys.ENTER)
        self.see("nora is added.")
        self.assertIn("nora", [user["name"] for user in self.cluster.api("GET", "/users")["users"]])
        self.go("/admin/events?topic=accounts&q=nora")
        self.see("user add")
        self.assertEqual(self.find_all("link", "Link to event")[0].get_attribute("href").rpartition("?")[2].partition("=")[0], "id")
        # one that happens now appears by itself
        self.cluster.api("DELETE", "/users/nora", status=204)
        self.see("user remove")
        self.screenshot("admin-events-live")

    def test_policies(self):
        self.admin("/admin/policies")
        self.click("button", "Add a policy")
        self.type("Name of the policy", "small")
        self.type("Redundancy", "1+1")
        self.browser.find_element(By.CSS_SELECTOR, "dialog input[name=names]").send_keys("films/*")
        self.screenshot("admin-add-policy")
        self.press(Keys.ENTER)
        self.find("button", "Change")
        self.click("button", "Show", exact=True)
        self.see("by policy small")
        self.screenshot("admin-policy-try")
        self.cluster.api("DELETE", "/policies/small", status=204)

    def test_connection(self):
        """A server that is away: a quiet note, and back by itself."""
        self.expect("Failed to load resource")
        self.admin("/admin/nodes")
        self.cluster.control.stop()
        self.see("cannot be reached")
        self.screenshot("admin-lost")
        self.cluster.control.start()
        self.cluster.wait_nodes()
        self.wait(lambda: "cannot be reached" not in self.browser.find_element(By.TAG_NAME, "body").text, "the note to go")


if __name__ == "__main__":
    unittest.main()
