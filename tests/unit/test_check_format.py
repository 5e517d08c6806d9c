#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/check-format: each rule finds its bad sample, passes a good one, and what is mended passes."""

import importlib.machinery
import importlib.util
import os
import pathlib
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check-format"
loader = importlib.machinery.SourceFileLoader("check_format", str(SCRIPT))
checker = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_format", loader))
loader.exec_module(checker)
os.chdir(SCRIPT.parents[1])  # paths are from the top of the tree

SPDX = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"


def function(body):
    return SPDX + "int\nf (char *name, int n)\n{\n" + body + "\n}\n"


# rule: (path, bad text, the line that is wrong, good text)
SAMPLES = [
    (checker.check_indent, "a.c", SPDX + "int\nf (int n)\n{\n    return n;\n}\n", 5, SPDX + "int\nf (int n)\n{\n  return n;\n}\n"),
    (checker.check_columns, "a.h", "/* " + "word " * 20 + "*/\n", 1, "/* short */\n"),
    (checker.check_columns, "a.md", "word " * 21 + "\n", 1, "```\n" + "word " * 21 + "\n```\n| " + "word " * 21 + "|\n" + "x" * 101 + "\n"),
    (checker.check_columns, "a.md", "```\ncode\n```\n" + "word " * 21 + "\n", 4, "short\n"),
    (checker.check_blanks, "a.py", "x = 1 \n", 1, "x = 1\n"),
    (checker.check_blanks, "a.py", "x = 1\ny = 2", 2, "x = 1\n"),
    (checker.check_spdx, "a.c", "int n;\n", 1, SPDX),
    (checker.check_spdx, "tools/a", "#!/bin/sh\ntrue\n", 1, "#!/bin/sh\n# SPDX-License-Identifier: LGPL-2.1-or-later\n"),
    (checker.check_pragma, "a.h", "#ifndef A_H\n#define A_H\n#endif\n", 1, SPDX + "#pragma once\n#include <glib.h>\n"),
    (checker.check_includes, "server/a.c", "#include <libpmss/pmss-error.h>\n", 1, '#include <glib.h>\n#include "libpmss/pmss-error.h"\n'),
    (checker.check_includes, "server/a.c", '#include "../httpd/b.h"\n', 1, '#include "httpd/b.h"\n'),
    (checker.check_includes, "server/store.c", '#include <glib.h>\n#include "store.h"\n', 1, '#include "store-private.h"\n#include <glib.h>\n'),
    (checker.check_struct, "a.h", "typedef struct {\n  int n;\n} A;\n", 1, "typedef struct\n{\n  int n;\n} A;\n"),
    (checker.check_struct, "a.c", "int n;\nenum a {\n  A\n};\n", 2, "enum a\n{\n  A\n};\n"),
    (checker.check_quotes, "a.c", "f (\"There is no medium '%s'\");\n", 1, "f (\"There is no medium “%s”; see 'pmss ls'\"); /* '%s' */\n"),
    (checker.check_null, "a.c", function("  if (!name)\n    return 1;"), 5, function("  if (name == NULL && !n)\n    return 1;")),
    (checker.check_null, "a.c", function("  if (name)\n    return 1;"), 5, function("  if (name != NULL || n)\n    return 1;")),
    (checker.check_null, "a.c", function("  if (n && name)\n    return 1;"), 5, function("  if (n && name[0])\n    return 1;")),
    (checker.check_null, "a.c", function("  return name ? 1 : 2;"), 5, function("  return g (name) ? 1 : a == name ? 3 : 2;")),
    (checker.check_null, "a.c", function("  g_autofree char *a = NULL;\n  while (!a)\n    n++;"), 6, function('  g ("if (!name)");      /* if (!name) */')),
    (checker.check_rooms, "control/a.c", 'f ("SELECT size"\n" FROM upload");\n', 2, 'f (" FROM upload_part, medium");     /* FROM upload */\n'),
    (checker.check_rooms, "control/uploads/a.c", 'f ("DELETE FROM original");\n', 1, 'f ("UPDATE upload SET probes = 0");\n'),
]


class Rules(unittest.TestCase):
    def test_each_rule_has_a_sample(self):
        self.assertEqual(set(checker.RULES), {sample[0] for sample in SAMPLES})

    def test_bad_samples_are_found(self):
        for rule, path, bad, line, _ in SAMPLES:
            if rule == checker.check_indent and checker.other_indent():
                continue
            with self.subTest(rule=rule.__name__, bad=bad):
                self.assertEqual([found[0] for found in checker.check(path, bad, [rule])], [line])

    def test_good_samples_pass(self):
        for rule, path, _, _, good in SAMPLES:
            with self.subTest(rule=rule.__name__, good=good):
                self.assertEqual(checker.check(path, good, [rule]), [])


@unittest.skipIf(checker.other_indent(), checker.other_indent())
class Mending(unittest.TestCase):
    def mended(self, path, bad):
        text = checker.mend(path, bad)
        self.assertEqual(checker.check(path, text, [checker.check_indent, checker.check_columns, checker.check_struct, checker.check_null]), [])
        self.assertEqual(checker.mend(path, text), text, "mending twice is mending once")
        return text

    def test_pointers(self):
        text = self.mended("a.c", function("  if (!name || (n && name))\n    return name ? 1 : 2;"))
        self.assertIn("if (name == NULL || (n && name != NULL))", text)
        self.assertIn("return name != NULL ? 1 : 2;", text)

    def test_a_number_is_no_pointer(self):
        text = function("  if (!n)\n    return 1;")
        self.assertEqual(checker.mend("a.c", text), text)

    def test_header(self):
        words = "word " * 30
        text = self.mended("a.h", f"/**\n * {words}\n * - item {words}\n */\nint f (int {'n, int ' * 20}m);\n"
                           f"typedef struct {{\n  int n;                        /* {words}*/\n}} A;\n")
        self.assertEqual(text.count("word"), 90)
        self.assertIn("typedef struct\n{\n  /* word", text)

    def test_page(self):
        words = "word " * 30
        table = f"| {words}|\n"
        text = self.mended("a.md", f"{words}\nand more\n\n- {words}\n\n{table}")
        self.assertIn("\n- word", text)
        self.assertIn("\n  word", text)
        self.assertIn(table, text)


class Tree(unittest.TestCase):
    def test_files_are_found(self):
        self.assertIn("tools/check-format", set(map(str, checker.files())))


if __name__ == "__main__":
    unittest.main()
