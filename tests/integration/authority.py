# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates for servers under test, by openssl(1)."""

import pathlib
import subprocess

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]


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

    def issue(self, name, address):
        """Options of a server with a certificate for @address."""
        certificate, key = self.make("%s-%s" % (self.name, name), "-CA", self.certificate, "-CAkey", self.key,
                                     "-addext", "subjectAltName=" + address, "-addext", "basicConstraints=critical,CA:FALSE")
        return {"tls-certificate": str(certificate), "tls-key": str(key)}
