/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exercise.h"

#include <stdlib.h>

void
die (const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("pmsssrc-exercise: %s\n", text);
  exit (1);
}

void
die_of_bus (GstElement * pipeline, const char *what)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  if (message != NULL)
    gst_message_parse_error (message, &error, &debug);
  die ("%s: %s (%s)", what,
      error != NULL ? error->message : "no error was posted",
      debug != NULL ? debug : "");
}

/* An authority of one's own is something that only an application can name. */
static void
trust (GstElement * source)
{
  const char *file = g_getenv ("PMSS_TEST_CA");
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsDatabase) database = NULL;

  if (file == NULL)
    return;
  database = g_tls_file_database_new (file, &error);
  if (database == NULL)
    die ("%s: %s", file, error->message);
  g_object_set (source, "tls-database", database, NULL);
}

GstElement *
make_source (const char *uri)
{
  g_autoptr (GError) error = NULL;
  GstElement *source =
      gst_element_make_from_uri (GST_URI_SRC, uri, "source", &error);

  if (source == NULL)
    die ("%s: %s", uri, error->message);
  trust (source);
  return source;
}

void
add_linked (GstElement * pipeline, GstElement * a, GstElement * b)
{
  gst_bin_add_many (GST_BIN (pipeline), a, b, NULL);
  if (!gst_element_link (a, b))
    die ("cannot link");
}
