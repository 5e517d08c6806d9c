# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clusters of real servers: those of the integration tests, as quiet as users run them."""

import importlib
import os
import sys

from . import accounting, build

INGEST_DEADLINE = 1800


def fixture(folder):
    """The tests' module `cluster`, for the programs of the build in @folder."""
    os.environ["PMSS_BUILD_DIR"] = str(folder)
    tests = str(build.TOP / "tests" / "integration")
    if tests not in sys.path:
        sys.path.insert(0, tests)
    return importlib.import_module("cluster")


def start(context, nodes, control_options=None, **options):
    """A cluster in the scratch folder of @context, closed with it."""
    tests = fixture(context.build)
    cluster = tests.Cluster(nodes=nodes, folder=context.scratch,
                            control_options={"log-level": "message", "metrics-token": tests.METRICS_TOKEN, **(control_options or {})},
                            **options)
    context.on_exit(cluster.close)
    return cluster


def add(cluster, name, path, redundancy):
    """Uploads a file and waits until it is ready."""
    with open(path, "rb") as file:
        job = cluster.put(name, file, redundancy=redundancy)
    cluster.wait_job(job, deadline=INGEST_DEADLINE)


def processes(cluster):
    """Those that serve: the control server and the storage servers."""
    return accounting.Processes(lambda: [s.process.pid for s in [cluster.control, *cluster.nodes]])


def metrics(cluster):
    """Those of control, by name and labels, without what all names begin with."""
    status, _, body = cluster.request("GET", "/metrics", headers={"Authorization": "Bearer " + importlib.import_module("cluster").METRICS_TOKEN}, token=False)
    if status != 200:
        raise RuntimeError("the control server's metrics: status %d" % status)
    lines = [line.rsplit(" ", 1) for line in body.decode().splitlines() if not line.startswith("#")]
    return {name.removeprefix("pmss_control_"): float(value) for name, value in lines}


def uri(cluster, name):
    return "pmss%s://%s:%d/%s" % ("s" if cluster.tls else "", cluster.control.address, cluster.control.port, name)
