/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of one run. */
#include "sim-trace.h"

#include <stdio.h>
#include <string.h>

#include "sim-clock.h"

#define FNV_OFFSET G_GUINT64_CONSTANT (0xcbf29ce484222325)
#define FNV_PRIME G_GUINT64_CONSTANT (0x100000001b3)

static struct
{
  gboolean verbose;
  guint64 hash;
} trace;

void
sim_trace_begin (gboolean verbose)
{
  trace.verbose = verbose;
  trace.hash = FNV_OFFSET;
}

static void
add (guint64 number)
{
  trace.hash = (trace.hash ^ number) * FNV_PRIME;
  trace.hash ^= trace.hash >> 32;
}

static void
print_stamp (void)
{
  gint64 now = sim_clock_since_begin ();

  printf ("%4" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT "  ",
      now / G_USEC_PER_SEC, now % G_USEC_PER_SEC);
}

static void
print (const char *words, const gint64 * numbers)
{
  const char *names = strchr (words, ':');
  g_auto (GStrv) parts = NULL;

  print_stamp ();
  if (names == NULL) {
    puts (words);
    return;
  }
  parts = g_strsplit (names + 2, " ", 4);
  printf ("%.*s", (int) (names - words), words);
  for (guint i = 0; parts[i] != NULL; i++)
    printf ("  %s %" G_GINT64_FORMAT, parts[i], numbers[i]);
  putchar ('\n');
}

void
sim_trace (const char *words, gint64 a, gint64 b, gint64 c, gint64 d)
{
  const gint64 numbers[] = { a, b, c, d };

  add (sim_clock_since_begin ());
  for (const char *p = words; *p != '\0'; p++)
    add ((guchar) * p);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    add (numbers[i]);
  if (trace.verbose)
    print (words, numbers);
}

void
sim_trace_say (const char *format, ...)
{
  va_list args;

  if (!trace.verbose)
    return;
  print_stamp ();
  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  putchar ('\n');
}

guint64
sim_trace_get_hash (void)
{
  return trace.hash;
}
