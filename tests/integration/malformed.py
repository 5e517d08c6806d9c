# SPDX-License-Identifier: LGPL-2.1-or-later
"""Malformed HTTP requests without end, from a seed, and what a server may say to them.

A case is a good request, an odd one, and a good one that asks for the connection to be closed, sent
at once. What comes back has to be well-formed final answers, at most one for each request and in
their order, and the end of the connection. What is behind a refusal is never answered.
"""

import json
import re

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]*\r\n")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)\r\n")
DATE = re.compile(rb"(?<=\r\nDate: )[^\r]*")
# what libmicrohttpd refuses before anybody else sees the request: its own page
ENGINE = {400, 408, 413, 414, 431, 500, 501, 505}
GOOD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Case:
    """@must: it is a proper request, which has to be answered. @whole: nothing of it is missing."""

    def __init__(self, data, method="GET", must=False, whole=False):
        self.data, self.method, self.must, self.whole = data, method, must, whole

    def __repr__(self):
        return "%r%s" % (self.data[:300], "… %d bytes" % len(self.data) if len(self.data) > 300 else "")


class Wrong(AssertionError):
    """An answer that no server may give."""


class Generator:
    """@paths: that the server has. @token: one that is good there."""

    def __init__(self, rng, paths, token):
        self.rng, self.paths, self.token = rng, paths, token
        self.kinds = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("odd_")]

    def case(self):
        return self.rng.choice(self.kinds)()

    # --- parts ---

    def path(self):
        return self.rng.choice(self.paths)

    def head(self, method="GET", target=None, fields=(), version="HTTP/1.1", host="x", end=b"\r\n"):
        lines = ["%s %s %s" % (method, target if target is not None else self.path(), version)]
        if host is not None:
            lines.append("Host: " + host)
        if self.rng.random() < .3:
            lines.append("Authorization: Bearer " + self.token)
        lines += fields
        return end.join(line.encode("latin-1") if isinstance(line, str) else line for line in lines) + end + end

    def number(self, *most):
        """Some numbers around what has a limit."""
        return self.rng.choice((1, 2, 10, 63, 64, 65, 100, 256, 300, 400, 450, 500, 550, 600, 700, 1000, *most))

    def some(self, letters, most):
        return "".join(self.rng.choice(letters) for _ in range(self.rng.randint(0, most)))

    # --- request lines ---

    def odd_method(self):
        method = self.rng.choice(("BREW", "get", "Get", "", "G" * self.number(5000, 40000), "GET\t", "G@T", "CONNECT", "TRACE",
                                  "PRI", "OPTIONS", "HEAD", "PATCH", "POST", "PUT", "DELETE", "PROPFIND", "\x00", "GET:", "\"GET\""))
        return Case(self.head(method), method, whole="\n" not in method)

    def odd_target(self):
        path = self.path()
        target = self.rng.choice((
            "http://x" + path, "http://elsewhere" + path, "https://x:1" + path, "x:80", "*", "", "relative", path[1:],
            "//" + path, "/.." + path, path + "/..", path + "/%2e%2e", path + "%2F", path + "%2f..%2fx", path + "%00", path + "%",
            path + "%zz", path + "%ff", path + "%0a", path + "%C2%85", path + "#f", path + " x", path + "\tx", path + "\x00x",
            path + "\xc3\xa4", path + "\"<>", path + "?", path + "??", path + "?&&&", path + "?=", path + "?a=1&a=2", path + "?a=%00",
            path + "?" + "a=1&" * 3, "\\", "/\\", path + ";x=1", path + "?x=" + "y" * self.number(4000, 9000, 16000, 40000),
            "/" + "x" * self.number(4000, 9000, 16000, 17000, 33000, 70000), "/a/" * self.number(5000)))
        method = self.rng.choice(("GET", "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"))
        return Case(self.head(method, target), method, whole=True)

    def odd_query(self):
        """As many parameters as the engine has no room for."""
        form = self.rng.choice(("a%d=b", "%d", "a%d", "=%d", "a%d=" + "b" * 20))
        query = "&".join(form % i for i in range(self.number(1500, 3000, 6000)))
        return Case(self.head("GET", self.path() + "?" + query), whole=True)

    def odd_version(self):
        version = self.rng.choice(("HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1x", "http/1.1", "HTTP/1.1 ", "HTTP/1.10",
                                   "HTTP/11", "HTTP/", "HTTP", "", "HTTP/1.1\t", "HTTP/1,1", "ICY/1.1", "HTTP/1.1 HTTP/1.1"))
        return Case(self.head(version=version), whole=True)

    # --- fields ---

    def odd_host(self):
        hosts = [None, "", " ", "x y", "x,y", "x/y", "x?y", "x#y", "x@y", "user@x", "http://x", "x:", "x:0", "x:80", "x:65536", "x:99999",
                 "x:-1", "x:+1", "x:8o", "x:80:80", "[", "]", "[]", "[::1]", "[::1]:80", "[::1", "::1", "[x]", "[::1]x", "[::1]:x",
                 "[1.2.3.4]", "[v1.x]", "[::1%25lo]", "1.2.3.4", "1.2.3.4:5", "x%2e", "x%zz", "x%", "x_y", "x..y", ".", "\xc3\xa4", "<x>",
                 "\"x\"", "x;y", "a" * 300, "a." * 200, "{x}", "x|y", "x\\y", "^", "`x`"]
        fields = self.rng.choice(([], [], [], ["Host: x"], ["Host: y"], ["host: x"], ["HOST:x"]))
        return Case(self.head(host=self.rng.choice(hosts), fields=fields), whole=True)

    def odd_length(self):
        value = self.rng.choice(("", "+3", "-1", "0x3", "3, 3", "3,3", "3 3", "03", "3.0", "3e0", "x", "3x", "18446744073709551615",
                                 "18446744073709551616", "18446744073709551619", "9223372036854775807", "9223372036854775808",
                                 "99999999999999999999999", "\"3\"", "٣".encode(), "\xb2", "3\x00", "0", "00", "3;", "- 3", "3\t4"))
        value = value if isinstance(value, bytes) else value.encode("latin-1")
        fields = [b"Content-Length: " + value]
        if self.rng.random() < .3:
            fields.append(self.rng.choice(("Content-Length: 3", "Content-Length: 0", "Transfer-Encoding: chunked", "Expect: 100-continue",
                                           "Content-Type: application/json", "Connection: close")))
        self.rng.shuffle(fields)
        method = self.rng.choice(("GET", "PUT", "POST", "HEAD", "DELETE", "PATCH", "OPTIONS"))
        return Case(self.head(method, fields=fields), method, whole=len(value) < 19)

    def odd_coding(self):
        coding = self.rng.choice(("chunked", "Chunked", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "", "x",
                                  "chunked;q=1", "\tchunked", "\"chunked\"", "xchunked"))
        fields = ["Transfer-Encoding: " + coding]
        if self.rng.random() < .4:
            fields.append(self.rng.choice(("Content-Length: 3", "Content-Length: 0", "Transfer-Encoding: chunked", "Expect: 100-continue",
                                           "TE: trailers", "Trailer: X")))
        body = self.rng.choice((b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"3;x=y\r\nabc\r\n0\r\n\r\n", b"3;" + b"x" * 5000 + b"\r\nabc\r\n0\r\n\r\n",
                                b"0x3\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"3\r\nabcd\r\n0\r\n\r\n", b"-3\r\n", b"FFFFFFFFFFFFFFFFF\r\nabc",
                                b"0\r\nX: y\r\n\r\n", b"0\r\nContent-Length: 3\r\n\r\n", b"", b"zz\r\n", b"3 \r\nabc\r\n0\r\n\r\n"))
        method = self.rng.choice(("PUT", "POST", "GET", "PATCH", "HEAD"))
        return Case(self.head(method, fields=fields) + body, method, whole=True)

    def odd_expect(self):
        value = self.rng.choice(("100-continue", "100-Continue", "100-continue, 100-continue", "tea", "", "200-ok"))
        method = self.rng.choice(("GET", "HEAD", "DELETE", "PUT", "POST", "OPTIONS"))
        fields, body = ["Expect: " + value], b""
        must = value.lower() == "100-continue"
        if method in ("PUT", "POST") and self.rng.random() < .7:
            body = b"{}" * self.rng.randint(0, 2000)
            fields += ["Content-Length: %d" % len(body), "Content-Type: application/json"]
        return Case(self.head(method, fields=fields) + body, method, must=must, whole=True)

    def odd_field(self):
        field = self.rng.choice((
            "A : b", "A b: c", ": b", "nonsense", "A", "A:", "A: b\rc", "A: \x00", "A\x00: b", "A: \x01", "A: \x7f", "A: \xff", "\xe4: b",
            "(A): b", "A: b\r\n c", "A: b\r\n\tc", "A: b\r\n ", "A:b\r\n c", " A: b", "\tA: b", "A: b\nB: c", "A: b\n\nB: c", "A: b\r\r\nB: c",
            "A:" + "x" * self.number(5000, 16000, 33000), "A" * self.number(5000, 40000) + ": b", "Content-Length\r\n: 3",
            "Transfer-Encoding : chunked", "Transfer-Encoding\x0b: chunked", "Content-Length:\r\n 3", "Authorization: Bearer x\r\nAuthorization: Bearer y",
            "Range: bytes=0-1,2-3", "Range: bytes=" + ",".join(["0-"] * self.number(2000)), "Range: bytes=9-1", "Range: x", "If-Range: \"x\"",
            "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x", "Connection: close, keep-alive", "Connection: x\x00", "Upgrade: websocket",
            "Cookie: " + "; ".join("a%d=b" % i for i in range(self.number(1500))), "Cookie: a", "Cookie: =", "Cookie: a=\"b", "Cookie: $;,=\\",
            "Content-Type: application/json\r\nContent-Type: text/plain", "Max-Forwards: 0", "TE: trailers", "Host: y"))
        fields = [field]
        if self.rng.random() < .3:
            fields += ["A%d:b" % i for i in range(self.rng.randint(1, 9))]
        method = self.rng.choice(("GET", "GET", "HEAD", "PUT", "POST", "DELETE"))
        return Case(self.head(method, fields=fields), method, whole=True)

    def odd_crowd(self):
        """More fields than there is room for, or lines without end."""
        number = self.number(2000, 5000)
        fields = self.rng.choice((["A%d: b" % i for i in range(number)], ["A: b"] * number, ["A:"] * number, ["Cookie: a=b"] * number,
                                  ["A: b\r\n c" for _ in range(number)]))
        return Case(self.head(fields=fields), whole=True)

    def odd_ends(self):
        end = self.rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\x00\r\n", b" \r\n"))
        return Case(self.rng.choice((b"", b"\r\n", b"\n", b"\r\n\r\n\r\n", b" ", b"\x00", b"\x00\r\n")) + self.head(end=end), whole=True)

    # --- bodies ---

    def odd_body(self):
        body = self.rng.choice((b"x", b"{}", b"[]", b"null", b"{\"a\":" * 100, b"\xff", b"{\"user\":\"a\\u001b\",\"password\":\"x\"}", b"x" * 70000,
                                GOOD, b"{\"a\":1,\"a\":2}", b""))
        kind = self.rng.choice(("application/json", "text/plain", "application/json; charset=utf-8", "application/offset+octet-stream", ""))
        method = self.rng.choice(("GET", "HEAD", "DELETE", "PUT", "POST", "PATCH", "OPTIONS"))
        fields = ["Content-Length: %d" % len(body), "Content-Type: " + kind]
        if self.rng.random() < .3:
            fields.append("Tus-Resumable: " + self.rng.choice(("1.0.0", "0.2", "")))
        return Case(self.head(method, fields=fields) + body, method, must=True, whole=True)

    def odd_cut(self):
        """Few: the watchdog looks once a second for those who will send no more."""
        if self.rng.random() < .8:
            return self.odd_bytes()
        data = self.head("PUT", fields=["Content-Length: 100"]) + b"x" * 100
        return Case(data[:self.rng.randint(0, len(data) - 1)], "PUT")

    # --- anything ---

    def odd_bytes(self):
        """A good request with a few bytes that are others."""
        method = self.rng.choice(("GET", "PUT", "HEAD", "POST"))
        data = bytearray(self.head(method, fields=["Content-Length: 2", "Accept: */*"] if method in ("PUT", "POST") else ["Accept: */*"]))
        if method in ("PUT", "POST"):
            data += b"{}"
        for _ in range(self.rng.randint(1, 6)):
            at = self.rng.randrange(len(data))
            what = self.rng.randrange(4)
            if what == 0:
                data[at] = self.rng.randrange(256)
            elif what == 1:
                del data[at:at + self.rng.randint(1, 4)]
            elif what == 2:
                data[at:at] = bytes(self.rng.choice(b"\r\n \t:\x00%/?&=,;") for _ in range(self.rng.randint(1, 3)))
            else:
                data[at:at] = data[at:at + self.rng.randint(1, 30)]
        # empty lines in front of a request are none of it; one that begins with a NUL is empty to libmicrohttpd
        return Case(bytes(data), "HEAD" if re.match(rb"((\x00.*|\r)?\n)*HEAD ", data) else "?")

    def odd_noise(self):
        start = self.rng.choice((b"", b"GET ", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: ", b"\x16\x03\x01"))
        return Case(start + self.rng.randbytes(self.rng.randint(1, 300)) + b"\r\n\r\n", "?")

    def odd_good(self):
        """Nothing is odd: the answers are as many as the requests."""
        method = self.rng.choice(("GET", "HEAD"))
        return Case(self.head(method), method, must=True, whole=True)


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    @property
    def closes(self):
        return b"close" in self.fields.get(b"connection", b"").lower()


def read_head(data):
    """An answer's head, and what is behind it."""
    line = STATUS.match(data)
    if not line:
        raise Wrong("no status line: %r" % data[:100])
    fields, at = {}, line.end()
    while data[at:at + 2] != b"\r\n":
        field = FIELD.match(data, at)
        if not field:
            raise Wrong("no header field: %r" % data[at:at + 100])
        name = field[1].lower()
        if name in fields and name in (b"content-length", b"content-type", b"connection", b"allow", b"location"):
            raise Wrong("twice: %r" % data[:at + 100])
        fields[name] = field[2]
        at = field.end()
    return int(line[1]), fields, data[at + 2:]


def read_answer(data, method):
    """One final answer to a @method request, and what is behind it."""
    status, fields, rest = read_head(data)
    while 100 <= status < 200:
        if status != 100 or rest.startswith(b"HTTP/1.1 1"):
            raise Wrong("odd interim answers: %r" % data[:200])
        if not rest:
            raise Wrong("nothing behind 100")
        status, fields, rest = read_head(rest)
    length = fields.get(b"content-length")
    if status == 204:
        return Answer(status, fields, b""), rest
    if length is None or not length.isdigit():
        raise Wrong("no length: %r" % data[:200])
    length = int(length)
    # the engine's own 414 has its page even after HEAD, which it has not read yet, and closes
    page = status == 414 and b"close" in fields.get(b"connection", b"") and rest.startswith(b"<html>")
    if method == "HEAD" and not page or status == 304:
        return Answer(status, fields, b""), rest
    if len(rest) < length:
        raise Wrong("cut short: %r" % data[:200])
    return Answer(status, fields, rest[:length]), rest[length:]


def check_problem(answer):
    """An error is problem+json, unless it is the engine's own."""
    if answer.status < 400 or not answer.body:
        return
    kind = answer.fields.get(b"content-type", b"")
    if not kind and answer.status in ENGINE and answer.body.startswith(b"<html>"):
        return
    if kind == b"application/json" and answer.status == 503:
        return                  # /healthz, which says what is the matter
    if kind != b"application/problem+json":
        raise Wrong("an error that is no problem: %r" % answer.body[:200])
    problem = json.loads(answer.body)
    if problem["status"] != answer.status or not all(problem.get(key) for key in ("type", "title", "detail")):
        raise Wrong("an odd problem: %r" % problem)


def is_double(data, method):
    """Before 1.0 libmicrohttpd writes the head of its own refusal of a Content-Length or of many cookies twice. A client takes
    the second one for the body, or for what comes behind the last answer, and the connection is closed."""
    status, fields, rest = read_head(data)
    head = data[:len(data) - len(rest)]
    # the second may be of the next second
    rest = DATE.sub(DATE.search(head)[0] if DATE.search(head) else b"", rest)
    body = 0 if method == "HEAD" else int(fields.get(b"content-length", 0))
    return (status in ENGINE and b"close" in fields.get(b"connection", b"") and rest.startswith(head)
            and len(rest) == len(head) + body and rest[len(head):len(head) + 6] in (b"", b"<html>"))


def check(case, heard, reset, engine_doubles):
    """What was heard until the end, for GOOD, @case and LAST. Returns the answer to the case, or None."""
    answer, rest = read_answer(heard, "GET")
    if answer.status not in (200, 503) or answer.closes:
        raise Wrong("the good request: %d" % answer.status)
    answers = []
    for method in (case.method, "GET"):
        if not rest:
            break
        if engine_doubles and is_double(rest, method):
            return Answer(*read_head(rest))
        try:
            answer, rest = read_answer(rest, method)
        except Wrong:
            if reset and not case.must:
                return None     # it was refused while more was coming
            raise
        check_problem(answer)
        answers.append(answer)
        if answer.closes:
            break
    if case.method != "?" and rest:
        raise Wrong("behind the last answer: %r" % rest[:200])
    if case.must and not answers and not reset:
        raise Wrong("a proper request has no answer")
    return answers[0] if answers else None
