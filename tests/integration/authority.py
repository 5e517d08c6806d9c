# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates for servers under test, by openssl(1)."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "60"]


class Authority:
    """Issues certificates: pairs of files."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.config = self.folder / "openssl.cnf"
        self.config.write_text("[req]\ndistinguished_name = name\n[name]\n")
        self.certificate, self.key = self.make(name, "-addext", "basicConstraints=critical,CA:TRUE",
                                                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def make(self, name, *more):
        certificate, key = self.folder / (name + ".pem"), self.folder / (name + ".key")
        subprocess.run(["openssl", "req", "-x509", "-config", self.config, *CURVE, "-subj", "/CN=" + name,
                        "-keyout", key, "-out", certificate, *map(str, more)], check=True, stderr=subprocess.DEVNULL)
        return certificate, key

    def issue(self, name, address, *more):
        """Options of a server with a certificate for @address. @more: arguments of openssl-req(1)."""
        certificate, key = self.make("%s-%s" % (self.name, name), "-CA", self.certificate, "-CAkey", self.key,
                                     "-addext", "subjectAltName=" + address, "-addext", "basicConstraints=critical,CA:FALSE", *more)
        return {"tls-certificate": str(certificate), "tls-key": str(key)}


class WithTls:
    """Before a cluster.TestCase among a class's bases: all of its cluster speaks TLS."""

    certificate_arguments = ()

    @classmethod
    def setUpClass(cls):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("openssl is not installed")
        if "TSAN_OPTIONS" in os.environ:
            raise unittest.SkipTest("ThreadSanitizer ends a server that unloads GLib's TLS module")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="pmss-authority-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        authority = Authority(folder, "ours")
        cls.certificate = authority.issue("server", "IP:127.0.0.1", *cls.certificate_arguments)
        cls.ca = authority.certificate
        cls.control_options = dict(cls.control_options, **cls.certificate, **{"node-ca": str(cls.ca)})
        cls.storage_options = dict(cls.storage_options, **cls.certificate, **{"control-ca": str(cls.ca)})
        super().setUpClass()
