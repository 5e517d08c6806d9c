/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file says of itself, on its way from the probe to those who read it. */
#include <string.h>

#include "control/api/api-media.h"
#include "control/ingest/probe-runner.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define DOCUMENT(tags, streams, missing) \
  "{\"content_type\": \"video/webm\", \"container\": \"Web\\u001bM\"," \
  " \"duration_ns\": 1, \"streams\": [" streams "], \"tags\": {" tags "}," \
  " \"missing\": [" missing "]}"

static PmssMedium *
parse (const char *text, char **missing)
{
  g_autoptr (PmssMedium) medium = pmss_medium_new ();
  g_autoptr (GError) error = NULL;

  pmss_probe_parse (text, strlen (text), medium, missing, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&medium);
}

static char *
show (const PmssMedium * medium)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GBytes) text = NULL;
  gsize length;
  const char *data;

  pmss_api_add_medium (json, medium);
  text = pmss_json_writer_finish (json);
  data = g_bytes_get_data (text, &length);
  g_assert_true (pmss_json_check (data, length, NULL));
  return g_strndup (data, length);
}

/* Nothing of a terminal's or of a reader's order, in whatever form. */
static void
assert_clean (const char *text)
{
  static const char *const hidden[] = {
    "\033", "\\u001b", "\\u001B", "\u202e", "\\u202e", "\u200b", "\xc2\x9b",
    "\\u009b"
  };

  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    g_assert_null (strstr (text, hidden[i]));
}

static void
test_probe (void)
{
  g_autofree char *missing = NULL, *shown = NULL;
  g_autoptr (PmssMedium) medium = parse (DOCUMENT
      ("\"title\": \"\\u001b[31mThe\\u202e film\", \"track-number\": 3,"
          " \"comment\": \"a\\nb\\u200b\\u009b1m\", \"artist\": \"Zo\u00eb\"",
          "{\"type\": \"audio\", \"codec\": \"\\u001bOpus\"}",
          "\"VP8\\u001b decoder\""), &missing);

  g_assert_cmpstr (medium->title, ==, " [31mThe film");
  g_assert_cmpstr (medium->container, ==, "Web M");
  g_assert_cmpstr (missing, ==, "VP8  decoder");
  assert_clean (medium->tags);
  assert_clean (medium->streams);
  g_assert_nonnull (strstr (medium->tags, "\"comment\":\"a b 1m\""));
  g_assert_nonnull (strstr (medium->tags, "Zo\u00eb"));
  g_assert_nonnull (strstr (medium->tags, "3"));
  g_assert_nonnull (strstr (medium->streams, "\" Opus\""));
  shown = show (medium);
  assert_clean (shown);
}

/* What earlier versions have put into catalogs. */
static void
test_catalog (void)
{
  g_autoptr (PmssMedium) medium = pmss_medium_new ();
  g_autofree char *shown = NULL;

  medium->name = g_strdup ("films/x");
  medium->title = g_strdup ("\033[31mred\u202e");
  medium->container = g_strdup ("\u200bWebM");
  medium->tags = g_strdup ("{\"comment\": \"\\u001b[2J\\u202e\", \"n\": 1}");
  medium->streams =
      g_strdup ("[{\"type\": \"audio\", \"codec\": \"\\u009bx\"}]");
  shown = show (medium);
  assert_clean (shown);
  g_assert_nonnull (strstr (shown, "\"comment\":\" [2J\""));
  g_assert_nonnull (strstr (shown, "\"title\":\" [31mred\""));
  g_assert_nonnull (strstr (shown, "\"container\":\"WebM\""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media-text/probe", test_probe);
  g_test_add_func ("/media-text/catalog", test_catalog);
  return g_test_run ();
}
