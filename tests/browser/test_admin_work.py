# SPDX-License-Identifier: LGPL-2.1-or-later
"""The administrators' pages of jobs, streams, users, clients and events in a real browser."""

import unittest

import admin_case
from browser import Keys, PASSWORD


class Work(admin_case.AdminCase):
    # jobs

    def test_job(self):
        job = self.start_job()
        self.admin("/admin/jobs?state=running")
        self.see("#%d" % job)
        self.click("button", "Pause")
        self.wait(lambda: self.cluster.job(job)["state"] == "paused", "the job to pause")
        self.see("Job %d is paused." % job)
        self.see("No job is in this state.")
        self.click("link", "paused", exact=True)
        self.assertEqual(self.path, "/admin/jobs?state=paused")
        self.screenshot("admin-job-paused")
        self.click("button", "Resume")
        self.wait(lambda: self.cluster.job(job)["state"] in ("running", "queued"), "the job to go on")
        self.visit("/admin/jobs")
        self.click("button", "Limit")
        self.type("At most, in Mbit/s", "much")
        self.press(Keys.ENTER)
        self.see("A number of at least 0 is needed.")
        # as slow as before, so that it is there to be cancelled
        self.type("At most, in Mbit/s", "0.009")
        self.press(Keys.ENTER)
        self.wait(lambda: self.cluster.job(job)["rate_limit"] == 9000, "the limit")
        self.see("at most 9 kbit/s")
        self.click("button", "Cancel", exact=True)
        self.see("Nothing changes. It can be started again at any time.")
        self.answer("Cancel the job")
        self.wait(lambda: self.cluster.job(job)["state"] == "cancelled", "the job to end")
        self.visit("/admin/jobs?state=cancelled")
        self.see("#%d" % job)

    def test_time_left(self):
        """Of a job that has begun just now nobody knows it; then it is told."""
        self.start_job(limit=400000)
        self.admin("/admin/jobs")
        self.see(" left")
        self.assertRegex(self.one("td[data-label=Rate]").text, r"B/s")

    # streams, and what they are played with

    def test_end_session(self):
        self.start_session()
        self.admin("/admin/sessions")
        self.click("button", "End", exact=True)
        self.see("admin stops receiving films/Sintel.webm now")
        self.check_axe("the question about a stream")
        self.screenshot("admin-end-session")
        self.click("button", "End it")
        self.wait(lambda: not self.cluster.api("GET", "/sessions")["sessions"], "the session to end")
        self.see("Nobody is watching")

    def test_session_appears(self):
        """A stream that begins, and one that ends, without a reload; the client is listed, too."""
        self.admin("/admin/sessions")
        self.see("Nobody is watching")
        session = self.start_session()
        self.find("link", "films/Sintel.webm")
        self.end_session(session)
        self.see("Nobody is watching")
        self.start_session()
        self.visit("/admin/clients")
        self.wait(lambda: "127.0.0.1" in self.texts("td[data-label=From]"), "the client")

    # users

    def test_users(self):
        self.admin("/admin/users")
        self.click("button", "Add a user")
        self.type("Name", "nora")
        self.type("Password", "short")
        self.press(Keys.ENTER)
        self.assertTrue(self.all("dialog[open]"), "a password of five characters")
        self.type("Password", PASSWORD)
        self.screenshot("admin-add-user")
        self.check_axe("adding a user")
        self.press(Keys.ENTER)
        self.see("nora is added.")
        self.addCleanup(self.remove_user, "nora")
        # one of that name is there
        self.expect("Failed to load resource: the server responded with a status of 409")
        self.click("button", "Add a user")
        self.type("Name", "nora")
        self.type("Password", PASSWORD)
        self.press(Keys.ENTER)
        self.see("There is a user called")
        self.press(Keys.ESCAPE)
        self.wait_answered()

        self.choose("Role of nora", "operator")
        self.see("nora is operator now.")
        self.assertEqual(self.user("nora")["role"], "operator")

        # where nora is signed in, and what link she has made
        theirs = self.cluster.login("nora", PASSWORD)
        token, self.cluster.token = self.cluster.token, theirs
        self.cluster.api("POST", "/links", {"medium": "films/Sintel.webm"}, 201)
        self.cluster.token = token
        self.press_in_row("nora", "Links")
        self.see("Links of nora")
        self.find("link", "films/Sintel.webm")
        self.screenshot("admin-user-links")
        self.check_axe("the links of a user")
        self.click("button", "End it: films/Sintel.webm")
        self.see("No link is good now.")
        self.assertEqual(self.cluster.api("GET", "/links")["links"], [])
        self.press(Keys.ESCAPE)
        self.wait_answered()
        self.press_in_row("nora", "Sign-ins")
        self.see("Sign-ins of nora")
        self.click("button", "Sign out there")
        self.see("Not signed in anywhere.")
        self.press(Keys.ESCAPE)
        self.wait_answered()

        # another password: what was signed in is out
        theirs = self.cluster.login("nora", PASSWORD)
        self.press_in_row("nora", "Set a password")
        self.see("All sign-ins, streams and links of nora end now.")
        self.type("Password", "another sentence")
        self.press(Keys.ENTER)
        self.see("The password of nora is set.")
        status, _, _ = self.cluster.request("GET", "/api/v1/me", headers={"Authorization": "Bearer " + theirs})
        self.assertEqual(status, 401)
        self.cluster.login("nora", "another sentence")

        self.press_in_row("nora", "Remove")
        self.see("Remove nora?")
        self.screenshot("admin-remove-user")
        self.answer("Remove")
        self.see("nora is removed.")
        self.wait(lambda: "nora" not in self.texts("tbody strong"), "the user to go")

    def test_last_administrator(self):
        """The only one cannot become a viewer by mistake."""
        self.expect("Failed to load resource: the server responded with a status of 409")
        self.admin("/admin/users")
        self.choose("Role of admin", "viewer")
        self.see("administrator")
        self.wait(lambda: self.find("combobox", "Role of admin").get_attribute("value") == "admin", "the role to be as it was")
        self.assertEqual(self.user("admin")["role"], "admin")

    def user(self, name):
        return next((user for user in self.cluster.api("GET", "/users")["users"] if user["name"] == name), None)

    def remove_user(self, name):
        if self.user(name):
            self.cluster.api("DELETE", "/users/" + name, status=204)

    def press_in_row(self, name, label):
        def look():
            for row in self.all("tbody tr"):
                if name in [one.text for one in row.find_elements("tag name", "strong")]:
                    return next(b for b in row.find_elements("tag name", "button") if b.text == label)
            return None
        self.press_it(look, "%s in the row of %s" % (label, name))

    # events

    def test_events(self):
        """Chosen by the address, which is a link to what is seen; new ones appear by themselves."""
        self.cluster.api("POST", "/users", {"name": "ed", "password": PASSWORD, "role": "viewer"}, 201)
        self.addCleanup(self.remove_user, "ed")
        self.admin("/admin/events")
        self.choose("Topic", "Accounts")
        self.find("textbox", "Contains").send_keys("ed user")
        self.wait(lambda: self.path == "/admin/events?topic=accounts&q=ed%20user", "the address to say what is chosen")
        self.wait(lambda: len(self.texts("tbody .lead")) == 1, "the one event")
        self.assertIn("user add", self.texts("tbody .lead")[0])
        # the same address shows the same to whoever gets it
        self.visit(self.path)
        self.assertEqual(self.find("combobox", "Topic").get_attribute("value"), "accounts")
        self.assertEqual(self.find("textbox", "Contains").get_attribute("value"), "ed user")
        self.wait(lambda: len(self.texts("tbody .lead")) == 1, "the same event")
        # one that happens now appears by itself
        self.cluster.api("DELETE", "/users/ed", status=204)
        self.see("user remove")
        self.screenshot("admin-events-live")
        self.choose("Result", "refused")
        self.see("No event fits.")
        self.choose("Result", "All results")
        self.wait(lambda: len(self.find_all("link", "Link to event")) == 2, "both events")
        self.press_it(lambda: self.find_all("link", "Link to event")[1], "the older event")
        self.wait(lambda: self.path.startswith("/admin/events?id="), "the event's own address")
        self.wait(lambda: "user add" in self.one("tr.marked").text, "the event to be marked")
        self.assertEqual(self.find("textbox", "Contains").get_attribute("value"), "")
        self.screenshot("admin-event")
        self.click("link", "To the newest")
        self.wait(lambda: self.path == "/admin/events", "all events")


if __name__ == "__main__":
    unittest.main()
