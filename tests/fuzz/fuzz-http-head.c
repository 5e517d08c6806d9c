/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"
#include "tests/unit/head-reader.h"

static void
assert_same (const PmssHttpHead * head, const PmssHttpHead * other)
{
  g_assert_true ((head != NULL) == (other != NULL));
  if (head == NULL)
    return;
  g_assert_cmpuint (head->n_fields, ==, other->n_fields);
  for (guint i = 0; i < head->n_fields; i++) {
    g_assert_cmpstr (head->fields[i].name, ==, other->fields[i].name);
    g_assert_cmpstr (head->fields[i].value, ==, other->fields[i].value);
  }
  assert_canonical (other);
}

/* In whatever pieces bytes come, they are refused alike or have one reading. An
 * engine that gets the canonical head sees the same request. */
int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  const char *bytes = (const char *) data;
  const gsize steps[] = { 1, 1 + (size > 0 ? data[size / 2] : 0) };
  g_autoptr (PmssHttpHead) head = NULL;
  guint status = read_head (bytes, size, MAX (size, 1), &head);

  g_assert_true (status == 0 || (status >= 400 && status < 600));
  if (head != NULL)
    assert_canonical (head);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_autoptr (PmssHttpHead) split = NULL;

    g_assert_cmpuint (read_head (bytes, size, steps[i], &split), ==, status);
    assert_same (head, split);
  }
  return 0;
}
