# SPDX-License-Identifier: LGPL-2.1-or-later
"""Policies: how uploads are stored that do not say."""

import json
import unittest

import cluster

MIB = 1 << 20
CONTENT = bytes(range(256)) * 400


class Policies(cluster.TestCase):
    nodes = 4
    control_options = {"default-redundancy": "2+1", "unit": "4KiB", "extent": "16KiB"}

    def setUp(self):
        for policy in self.cluster.api("GET", "/policies")["policies"]:
            self.cluster.api("DELETE", "/policies/" + policy["name"], None, 204)

    def set(self, name, **policy):
        return self.cluster.api("PUT", "/policies/" + name, policy)

    def stored(self, name):
        layout = self.cluster.session(name)["layout"]
        return "%d+%d" % (layout["k"], layout["m"]), layout["unit"], layout["extent"]

    def test_uploads(self):
        """What a policy says is what the shards are like."""
        self.set("films", match={"names": "films/*"}, redundancy="1+2", unit=8192, extent=65536, keep_original=True)
        self.assertFalse(self.cluster.add("other", CONTENT)["keep_original"])
        self.assertEqual(self.stored("other"), ("2+1", 4096, 16384))
        medium = self.cluster.add("films/a", CONTENT)
        self.assertTrue(medium["keep_original"])
        self.assertEqual(medium["redundancy"], "1+2")
        self.assertEqual(self.stored("films/a"), ("1+2", 8192, 65536))
        self.assertEqual(self.cluster.read_back("films/a"), CONTENT)
        # what the upload says goes before
        medium = self.cluster.add("films/b", CONTENT, redundancy="3+1", keep_original="false", unit="4096", extent="12288")
        self.assertFalse(medium["keep_original"])
        self.assertEqual(self.stored("films/b"), ("3+1", 4096, 12288))
        self.assertEqual(self.cluster.read_back("films/b"), CONTENT)
        self.assertEqual(len(list((self.cluster.control.data / "originals").glob("[0-9a-f]*"))), 1)
        for bad in ({"unit": "5000"}, {"unit": "x"}, {"unit": "1"}, {"extent": "-1"}, {"extent": str(1 << 40)}, {"keep_original": "yes"}):
            self.assert_status(400, self.cluster.put, "films/c", b"x", **bad)

    def test_tus(self):
        """The same in pieces, and after a restart in between."""
        self.set("all", unit=8192, extent=32768, redundancy="1+1")
        tus = {"Tus-Resumable": "1.0.0"}
        _, headers, _ = self.cluster.request("POST", "/api/v1/uploads", None, dict(tus, **{
            "Upload-Length": str(len(CONTENT)), "Upload-Metadata": cluster.encode_metadata(name="tus", extent="65536")}))
        self.cluster.restart_control()
        self.cluster.wait_nodes()
        self.cluster.api("DELETE", "/policies/all", None, 204)
        status, headers, _ = self.cluster.request("PATCH", headers["Location"], CONTENT, dict(tus, **{
            "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}))
        self.assertEqual(status, 204)
        self.cluster.wait_job(int(headers["Pmss-Job"]))
        self.assertEqual(self.stored("tus"), ("1+1", 8192, 65536))

    def test_choose(self):
        def choose(name, size=5, **more):
            return self.cluster.api("POST", "/policies/choose", dict(more, name=name, size=size))
        self.set("video", match={"types": "video/*"}, redundancy="2+2", extent=50000)
        self.set("big", match={"min_size": 10 * MIB}, redundancy="1+1", keep_original=True, order=0)
        chosen = choose("x.webm")
        self.assertEqual(chosen, {"redundancy": "2+2", "unit": 4096, "extent": 57344, "keep_original": False, "why": {
            "redundancy": "policy video", "unit": "the cluster's default", "extent": "policy video",
            "keep_original": "the cluster's default"}})
        self.assertEqual(choose("x.webm", 10 * MIB)["why"]["redundancy"], "policy big")
        self.assertEqual(choose("x", content_type="VIDEO/mp4; x=y")["redundancy"], "2+2")
        self.assertEqual(choose("x")["redundancy"], "2+1")
        for bad in ({}, {"name": "x"}, {"name": "x", "size": -1}, {"name": "x", "size": 1, "more": 1}):
            self.assert_status(400, self.cluster.api, "POST", "/policies/choose", bad)

    def test_too_few_nodes(self):
        """The refusal names the policy."""
        self.set("wide", redundancy="6+2")
        answer = self.assert_status(507, self.cluster.put, "wide", b"x")
        self.assertIn("6+2 (policy “wide”) needs 8", json.loads(answer)["detail"])

    def test_rules(self):
        api = self.cluster.api
        for bad in ({}, {"unit": 5}, {"unit": 5000}, {"extent": 1}, {"redundancy": "9"}, {"keep_original": 1}, {"order": 1},
                    {"unit": 4096, "order": -1}, {"unit": 4096, "match": {"min_size": 2, "max_size": 1}},
                    {"unit": 4096, "match": {"names": ""}}, {"unit": 4096, "match": {"sizes": 1}}, {"unit": 4096, "more": 1},
                    {"unit": 4096, "match": {"names": "a\u202eb"}}):
            self.assert_status(400, api, "PUT", "/policies/bad", bad)
        self.assert_status(404, api, "DELETE", "/policies/bad", None, 204)
        first = self.set("first", unit=4096)
        self.assertEqual((first["order"], self.set("second", unit=4096)["order"]), (1, 2))
        self.assertEqual(self.set("first", extent=16384)["unit"], None)
        self.assertEqual([p["name"] for p in api("GET", "/policies")["policies"]], ["first", "second"])
        self.set("first", order=9, extent=16384)
        self.assertEqual([p["name"] for p in api("GET", "/policies")["policies"]], ["second", "first"])
        events = [(e["action"], e["object"], e["topic"]) for e in api("GET", "/events")["events"] if e["result"] == "done"]
        self.assertIn(("policy set", "second", "media"), events)
        api("DELETE", "/policies/second", None, 204)
        events = [(e["action"], e["object"]) for e in api("GET", "/events")["events"]]
        self.assertIn(("policy remove", "second"), events)
        # operators see them, administrators set them
        api("POST", "/users", {"name": "op", "password": "correct horse", "role": "operator"}, 201)
        bearer = {"Authorization": "Bearer " + self.cluster.login("op", "correct horse"), "Content-Type": "application/json"}
        self.assertEqual(self.cluster.request("GET", "/api/v1/policies", headers=bearer)[0], 200)
        self.assertEqual(self.cluster.request("PUT", "/api/v1/policies/x", json.dumps({"unit": 4096}), bearer)[0], 403)


if __name__ == "__main__":
    unittest.main()
