# SPDX-License-Identifier: LGPL-2.1-or-later
"""The administrators' pages of media in a real browser: uploads, policies, one medium and where it lies."""

import hashlib
import unittest

import admin_case
from admin_case import MB
from browser import Keys

HOSTILE = "<img src=x onerror=alert(1)>.mp4"
BIG = 24 * MB
# of each upload that is to be interrupted; what the kernel holds of it comes besides
HELD_AT = 6 * MB
DRAG = {"items": [], "dragOperationsMask": 1}


class Media(admin_case.AdminCase):
    def medium_names(self):
        return [medium["name"] for medium in self.cluster.api("GET", "/media")["media"]]

    def begun(self, name):
        """How many uploads of @name were begun."""
        events = self.cluster.api("GET", "/events?limit=1000")["events"]
        return len([event for event in events if event["action"] == "upload begin" and event["object"] == name])

    def check_stored(self, path):
        """The medium of the file's name has the file's bytes, and was begun once."""
        self.assertEqual(self.begun(path.name), 1)
        self.assertEqual(self.cluster.medium(path.name)["sha256"], hashlib.sha256(path.read_bytes()).hexdigest())
        self.assertEqual(self.cluster.read_back(path.name), path.read_bytes())

    # uploads

    def test_upload_over_a_reload(self):
        """Two at once; the page is loaded anew in the middle, the files are picked again, and both go on where they were."""
        paths = [self.make_file("first.webm", BIG), self.make_file("second.webm", BIG)]
        line = self.make_line()
        line.hold_at = HELD_AT
        self.admin("/admin/media", at=line.port)
        self.pick(*paths)
        self.wait(lambda: self.uploads() == {"first.webm": "sending", "second.webm": "sending"}, "both to be under way")
        self.wait(lambda: self.script("return [...document.querySelectorAll('.bars progress:first-of-type')].filter((bar) => bar.value > 0.2).length") == 2, "some of both to be sent")
        self.see("2+1, by the default of the cluster")
        self.show("admin-upload")
        # people are asked whether to leave such a page; the browser asks nobody who has not touched it, and says so
        self.assertFalse(self.script("return dispatchEvent(new Event('beforeunload', {cancelable: true}))"))
        self.expect("Blocked attempt to show a 'beforeunload' confirmation panel")
        self.browser.refresh()
        self.wait(lambda: self.uploads() == {"first.webm": "lost", "second.webm": "lost"}, "the interrupted uploads to be named")
        self.see("2 uploads were interrupted")
        # the server keeps what had arrived, and has noticed by now that no more comes
        line.release.set()
        kept = self.wait(lambda: (lambda sizes: sizes if len(sizes) == 2 and min(sizes) > HELD_AT / 2 else None)(
            [upload["offset"] for upload in self.cluster.api("GET", "/uploads")["uploads"]]), "what had arrived to be kept")
        self.assertLess(max(kept), BIG)
        self.browser.refresh()
        self.see("Pick first.webm again to go on")
        self.show("admin-upload-lost")
        self.check_axe("interrupted uploads")
        self.pick(*paths)
        self.wait(lambda: self.uploads() == {"first.webm": "done", "second.webm": "done"}, "both to be stored", 60)
        # it went on: nothing was begun twice, and what had been kept was not sent again
        self.assertLess(line.passed, 2 * BIG + HELD_AT)
        for path in paths:
            self.check_stored(path)

    def test_upload_over_a_cut(self):
        """A connection is cut in the middle: the upload goes on by itself, and is not begun anew."""
        path = self.make_file("cut.webm", BIG)
        line = self.make_line(limit=HELD_AT)
        self.expect("net::ERR_")
        # a server that has not noticed the cut refuses what goes on: 423, or 409 where it has written more meanwhile
        self.expect("Failed to load resource: the server responded with a status of 4")
        self.admin("/admin/media", at=line.port)
        self.pick(path)
        self.wait(lambda: self.uploads() == {"cut.webm": "done"}, "it to be stored", 60)
        self.assertTrue(line.cut)
        self.check_stored(path)

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
        self.assertEqual(self.uploads()["films/../../up.webm"], "failed")
        self.script("document.querySelector('.uploads').scrollIntoView({block: 'center'})")
        self.show("admin-upload-refused")
        self.check_axe("refused uploads")
        self.check_phone("admin-upload-refused")
        self.assertEqual(self.script("return document.querySelectorAll('main img').length"), 0)
        self.click("button", "Clear the list")
        self.wait(lambda: not self.uploads(), "the list to be empty")
        self.click("link", HOSTILE, exact=True)
        self.find("heading", HOSTILE)
        self.click("button", "Delete", exact=True)
        self.see("All of its shards and its original are deleted, for good.")
        self.see("Streams of it end now.")
        self.screenshot("admin-delete")
        self.answer("Delete")
        self.wait(lambda: self.path == "/admin/media", "the table")
        self.see("%s is deleted." % HOSTILE)
        self.wait(lambda: HOSTILE not in self.medium_names(), "the medium to be gone")

    def test_folder(self):
        """A folder keeps its structure: dropped, and chosen."""
        for name in ("tree/a.webm", "tree/deep/b.webm", "other/c.webm"):
            self.make_file(name, MB)
        self.admin("/admin/media")
        zone = self.script("const box = document.querySelector('.drop-zone').getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]")
        for kind in ("dragEnter", "dragOver", "drop"):
            self.browser.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, "x": zone[0], "y": zone[1], "data": dict(DRAG, files=[str(self.folder / "tree")])})
            if kind == "dragOver":
                self.see("Let go to upload")
                self.screenshot("admin-drop")
        self.wait(lambda: self.uploads() == {"tree/a.webm": "done", "tree/deep/b.webm": "done"}, "what was dropped to be stored", 60)
        self.one("input.pick-folder").send_keys(str(self.folder / "other"))
        self.wait(lambda: self.uploads().get("other/c.webm") == "done", "what was chosen to be stored", 60)
        self.assertLessEqual({"tree/a.webm", "tree/deep/b.webm", "other/c.webm"}, set(self.medium_names()))

    def test_upload_of_another(self):
        """What somebody else has not finished is seen, and can be taken away."""
        self.sign_in("otto")
        answer = self.browser.execute_async_script(
            "const done = arguments[0]; fetch('/api/v1/uploads', {method: 'POST', headers: {'X-PMSS': '1', 'Tus-Resumable': '1.0.0', 'Upload-Length': '5000',"
            " 'Upload-Metadata': 'name ' + btoa('left.webm')}}).then((a) => done(a.status))")
        self.assertEqual(answer, 201)
        self.admin("/admin/media")
        self.see("by otto")
        self.screenshot("admin-upload-other")
        self.check_axe("an upload of another")
        self.click("button", "Remove: left.webm")
        self.see("If otto still sends it")
        self.answer("Remove")
        self.wait(lambda: "by otto" not in self.one("main").text, "it to go")
        self.assertEqual(self.cluster.api("GET", "/uploads")["uploads"], [])

    # policies

    def test_policies(self):
        """A rule chooses, the page shows what and why, and one upload differs from it."""
        self.admin("/admin/policies")
        self.see("Everything is stored by the default of the cluster: 2+1.")
        self.click("button", "Add a policy")
        self.type("Name of the policy", "small")
        self.type("Redundancy", "1+1")
        self.type("Names like", "small/*")
        self.screenshot("admin-add-policy")
        self.check_axe("adding a policy")
        self.press(Keys.ENTER)
        self.find("button", "Change")
        self.addCleanup(self.remove_policy, "small")
        self.find("textbox", "Name", exact=True)
        self.type("Name", "small/a.webm")
        self.click("button", "Show", exact=True)
        self.see("1+1 by policy small")
        self.show("admin-policy-try")
        self.visit("/admin/media")
        self.script("document.querySelector('.upload-options').open = true")
        self.type("Into the folder", "small")
        # a line that is held: the word is beside the file while it is sent
        self.pick(self.make_file("a.webm", MB))
        self.wait(lambda: self.uploads() == {"small/a.webm": "done"}, "it to be stored", 60)
        self.choose("Redundancy", "3+1")
        self.pick(self.make_file("b.webm", MB))
        self.wait(lambda: self.uploads().get("small/b.webm") == "done", "it to be stored", 60)
        self.assertEqual([self.cluster.medium("small/%s.webm" % name)["redundancy"] for name in "ab"], ["1+1", "3+1"])
        self.visit("/admin/policies")
        self.click("button", "Remove", exact=True)
        self.see("Remove policy small?")
        self.answer("Remove")
        self.see("Everything is stored by the default")

    def remove_policy(self, name):
        if name in [policy["name"] for policy in self.cluster.api("GET", "/policies")["policies"]]:
            self.cluster.api("DELETE", "/policies/" + name, status=204)

    # one medium

    def test_medium(self):
        """What can be done to a medium: look at its layout, verify, keep and drop its original, rename."""
        self.cluster.add("films/old.webm", self.film.read_bytes())
        self.admin("/admin/media/films/old.webm")
        self.see("Every shard is there and good.")
        self.wait(lambda: self.all(".layout-map .shard.ok"), "the map of the layout")
        shards = len(self.all(".layout-map .shard.ok"))
        self.show("admin-medium")
        self.check_axe("a medium")
        self.check_phone("admin-medium")
        self.click("button", "Table", exact=True)
        self.see("shard 0: whole")
        self.assertEqual(self.script("return [...document.querySelectorAll('td')].filter((one) => /^shard \\d+: whole$/.test(one.textContent)).length"), shards)
        self.show("admin-medium-table")
        self.check_axe("a medium's table")
        self.check_phone("admin-medium-table")

        self.ask("Verify", "Every shard is read and checked")
        self.see("verifies it.")
        jobs = [job for job in self.cluster.api("GET", "/jobs")["jobs"] if job["type"] == "verify" and job["medium"] == "films/old.webm"]
        self.assertEqual(len(jobs), 1)

        self.ask("Keep an original", "compared with its SHA-256")
        self.wait(lambda: self.cluster.medium("films/old.webm")["keep_original"], "the original to be made")
        self.find("button", "Drop the original")
        self.ask("Drop the original", "The shards stay, and can bring it back.")
        self.find("button", "Keep an original")
        self.assertFalse(self.cluster.medium("films/old.webm")["keep_original"])

        self.click("button", "Rename", exact=True)
        self.type("New name", "films/new name.webm")
        self.press(Keys.ENTER)
        self.find("heading", "films/new name.webm")
        self.assertEqual(self.path, "/admin/media/films/new%20name.webm")
        self.assertIn("films/new name.webm", self.medium_names())
        # a name that is taken: the page says so, and the question stays
        self.expect("Failed to load resource: the server responded with a status of 409")
        self.click("button", "Rename", exact=True)
        self.type("New name", "films/Sintel.webm")
        self.press(Keys.ENTER)
        self.one("dialog[open] [role=alert]")
        self.press(Keys.ESCAPE)
        self.wait_answered()

    def ask(self, label, words):
        """Presses the button @label, reads @words, and says yes."""
        self.click("button", label, exact=True)
        self.see(words)
        self.answer(label)
        self.wait_answered()


if __name__ == "__main__":
    unittest.main()
