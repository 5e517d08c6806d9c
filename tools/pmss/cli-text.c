/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libpmss/pmss-text.h"

/* Less of a column says nothing any more. */
#define MIN_WIDTH 8u

struct _PmssCliTable
{
  char **titles;
  guint columns;
  GPtrArray *cells;             /* row by row */
};

char *
pmss_cli_escape (const char *text)
{
  GString *out;
  const char *p;

  if (text == NULL)
    return g_strdup ("-");
  out = g_string_new (NULL);
  for (p = text; *p;) {
    gunichar c = g_utf8_get_char_validated (p, -1);

    if (c == (gunichar) - 1 || c == (gunichar) - 2) {
      g_string_append_printf (out, "\\x%02x", (guchar) * p++);
      continue;
    }
    if (pmss_text_shows (text, p))
      g_string_append_unichar (out, c);
    else if (c < 0x100)
      g_string_append_printf (out, "\\x%02x", c);
    else
      g_string_append_printf (out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    p = g_utf8_next_char (p);
  }
  return g_string_free (out, FALSE);
}

/* Three digits and a decimal prefix. */
static char *
with_prefix (double value, const char *unit)
{
  static const char *const prefixes[] = { "", "k", "M", "G", "T", "P", "E" };
  guint i = 0;
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  while (value >= 999.5 && i + 1 < G_N_ELEMENTS (prefixes)) {
    value /= 1000;
    i++;
  }
  g_ascii_formatd (number, sizeof number,
      i > 0 && value < 99.95 ? "%.1f" : "%.0f", value);
  return g_strdup_printf ("%s %s%s", number, prefixes[i], unit);
}

char *
pmss_cli_size (guint64 bytes)
{
  return with_prefix ((double) bytes, "B");
}

char *
pmss_cli_rate (guint64 bits_per_second)
{
  return with_prefix ((double) bits_per_second, "bit/s");
}

char *
pmss_cli_duration (guint64 ns)
{
  guint64 s = ns / 1000000000u;

  if (s >= 3600)
    return g_strdup_printf ("%" G_GUINT64_FORMAT ":%02u:%02u", s / 3600,
        (guint) (s / 60 % 60), (guint) (s % 60));
  return g_strdup_printf ("%u:%02u", (guint) (s / 60), (guint) (s % 60));
}

char *
pmss_cli_time (const char *iso8601)
{
  g_autoptr (GDateTime) time =
      iso8601 != NULL ? g_date_time_new_from_iso8601 (iso8601, NULL) : NULL;
  g_autoptr (GDateTime) local =
      time != NULL ? g_date_time_to_local (time) : NULL;

  return local != NULL ? g_date_time_format (local, "%Y-%m-%d %H:%M") :
      pmss_cli_escape (iso8601);
}

char *
pmss_cli_age (gint64 seconds)
{
  static const struct
  {
    gint64 until, unit;
    const char *name;
  } steps[] = {
    {60, 1, "s"}, {3600, 60, "min"}, {48 * 3600, 3600, "h"},
    {G_MAXINT64, 24 * 3600, "days"},
  };
  guint i = 0;

  seconds = MAX (seconds, 0);
  while (i + 1 < G_N_ELEMENTS (steps) && seconds >= steps[i].until)
    i++;
  return g_strdup_printf ("%" G_GINT64_FORMAT " %s", seconds / steps[i].unit,
      steps[i].name);
}

char *
pmss_cli_age_since (const char *iso8601)
{
  g_autoptr (GDateTime) time =
      iso8601 != NULL ? g_date_time_new_from_iso8601 (iso8601, NULL) : NULL;

  return time != NULL ? pmss_cli_age (g_get_real_time () / G_USEC_PER_SEC -
      g_date_time_to_unix (time)) : NULL;
}

/* Today's without the date. */
static gboolean
localize_time (const GMatchInfo * match, GString * result, gpointer user_data)
{
  g_autofree char *text = g_match_info_fetch (match, 0);
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);
  g_autoptr (GDateTime) local =
      time != NULL ? g_date_time_to_local (time) : NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *words = NULL;

  if (local != NULL)
    words = g_date_time_format (local, g_date_time_get_day_of_year (local) ==
        g_date_time_get_day_of_year (now)
        && g_date_time_get_year (local) == g_date_time_get_year (now)
        ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S");
  g_string_append (result, words != NULL ? words : text);
  return FALSE;
}

char *
pmss_cli_sentence (const char *text)
{
  g_autofree char *escaped = pmss_cli_escape (text);
  g_autoptr (GRegex) times = g_regex_new
      ("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ", 0, 0, NULL);

  return g_regex_replace_eval (times, escaped, -1, 0, 0, localize_time, NULL,
      NULL);
}

char *
pmss_cli_shell_word (const char *text)
{
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "_-./:=@%+,";

  if (*text && strspn (text, plain) == strlen (text))
    return g_strdup (text);
  return g_shell_quote (text);
}

PmssCliTable *
pmss_cli_table_new (const char *const *columns)
{
  PmssCliTable *table = g_new0 (PmssCliTable, 1);

  table->titles = g_strdupv ((char **) columns);
  table->columns = g_strv_length (table->titles);
  table->cells = g_ptr_array_new_with_free_func (g_free);
  return table;
}

void
pmss_cli_table_add (PmssCliTable * table, ...)
{
  va_list cells;
  guint i;

  va_start (cells, table);
  for (i = 0; i < table->columns; i++)
    g_ptr_array_add (table->cells, va_arg (cells, char *));
  va_end (cells);
}

/* Columns that @text takes on a terminal. */
static guint
text_width (const char *text)
{
  guint width = 0;

  for (; *text; text = g_utf8_next_char (text)) {
    gunichar c = g_utf8_get_char (text);

    if (!g_unichar_iszerowidth (c))
      width += g_unichar_iswide (c) ? 2 : 1;
  }
  return width;
}

char *
pmss_cli_cut (const char *text, guint columns)
{
  const char *p = text, *end = text;
  guint width = 0;

  if (text_width (text) <= columns)
    return g_strdup (text);
  /* the last column is for the ellipsis */
  for (; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (!g_unichar_iszerowidth (c))
      width += g_unichar_iswide (c) ? 2 : 1;
    if (width >= columns)
      break;
    end = g_utf8_next_char (p);
  }
  return g_strdup_printf ("%.*s…", (int) (end - text), text);
}

static void
add_row (GString * text, const char *const *cells, const gboolean * right,
    const guint * widths, guint columns)
{
  guint i;

  for (i = 0; i < columns; i++) {
    int pad = (int) (widths[i] - text_width (cells[i]));
    gboolean last = i + 1 == columns;

    if (right[i])
      g_string_append_printf (text, "%*s%s%s", pad, "", cells[i],
          last ? "" : "  ");
    else
      g_string_append_printf (text, "%s%*s", cells[i], last ? 0 : pad + 2, "");
  }
  g_string_append_c (text, '\n');
}

guint
pmss_cli_get_width (void)
{
  struct winsize size;

  if (!isatty (STDOUT_FILENO) || ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
    return 0;
  return size.ws_col;
}

static guint
sum_widths (const guint * widths, guint columns)
{
  guint sum = 2 * (columns - 1);

  for (guint i = 0; i < columns; i++)
    sum += widths[i];
  return sum;
}

/* Takes from the widest columns of text what the terminal has no room for: a row that wraps is no row of a table any more. */
static void
fit_widths (guint * widths, const gboolean * right, guint columns, guint room)
{
  while (room > 0 && sum_widths (widths, columns) > room) {
    guint widest = columns;

    for (guint i = 0; i < columns; i++)
      if (!right[i] && widths[i] > MIN_WIDTH &&
          (widest == columns || widths[i] > widths[widest]))
        widest = i;
    if (widest == columns)
      return;
    widths[widest]--;
  }
}

static void
cut_cells (PmssCliTable * table, const guint * widths)
{
  for (guint i = 0; i < table->cells->len; i++) {
    char *text = g_ptr_array_index (table->cells, i);

    table->cells->pdata[i] = pmss_cli_cut (text, widths[i % table->columns]);
    g_free (text);
  }
}

char *
pmss_cli_table_to_text (PmssCliTable * table, const char *empty, guint width)
{
  GString *text = g_string_new (NULL);
  guint columns = table->columns, i;
  g_autofree guint *widths = g_new0 (guint, columns);
  g_autofree gboolean *right = g_new0 (gboolean, columns);
  g_autofree const char **titles = g_new0 (const char *, columns);
  const char *const *cells = (const char *const *) table->cells->pdata;

  for (i = 0; i < columns; i++) {
    right[i] = table->titles[i][0] == '>';
    titles[i] = table->titles[i] + (right[i] ? 1 : 0);
    widths[i] = text_width (titles[i]);
  }
  for (i = 0; i < table->cells->len; i++)
    widths[i % columns] = MAX (widths[i % columns], text_width (cells[i]));
  fit_widths (widths, right, columns, width);
  cut_cells (table, widths);
  if (table->cells->len == 0)
    g_string_append_printf (text, "%s\n", empty);
  else
    add_row (text, titles, right, widths, columns);
  for (i = 0; i < table->cells->len; i += columns)
    add_row (text, cells + i, right, widths, columns);
  g_ptr_array_unref (table->cells);
  g_strfreev (table->titles);
  g_free (table);
  return g_string_free (text, FALSE);
}

void
pmss_cli_table_print (PmssCliTable * table, const char *empty)
{
  g_autofree char *text = pmss_cli_table_to_text (table, empty,
      pmss_cli_get_width ());

  fputs (text, stdout);
}
