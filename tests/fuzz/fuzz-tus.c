/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Upload-Metadata of tus. */

#include <string.h>

#include <glib.h>

#include "control/api/tus-metadata.h"
#include "fuzz.h"

/* What was accepted comes back when it is written and read again. */
static void
check_again (GHashTable * table)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GHashTable) again = NULL;
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    g_assert_true (g_utf8_validate (value, -1, NULL));
    g_assert_null (strpbrk (key, " ,\r\n"));
    pmss_tus_metadata_append (text, key, value);
  }
  again = pmss_tus_metadata_parse (text->str, NULL);
  g_assert_nonnull (again);
  g_assert_cmpuint (g_hash_table_size (again), ==, g_hash_table_size (table));
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_assert_cmpstr (g_hash_table_lookup (again, key), ==, value);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) table = pmss_tus_metadata_parse (text, &error);

  g_assert_true ((table == NULL) == (error != NULL));
  if (table != NULL)
    check_again (table);
  return 0;
}
