/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prometheus' text format. On its caller's thread. */
#include "daemon/pmss-metrics.h"

#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

struct _PmssMetrics
{
  char *prefix;
  GString *text;
  GHashTable *names;            /* of families; owns them */
  const char *name;             /* of the one begun last; in `names` */
};

static const char *const types[] = {
  [PMSS_METRIC_COUNTER] = "counter",
  [PMSS_METRIC_GAUGE] = "gauge",
  [PMSS_METRIC_HISTOGRAM] = "histogram",
};

PmssMetrics *
pmss_metrics_new (const char *prefix)
{
  PmssMetrics *self = g_new0 (PmssMetrics, 1);

  self->prefix = g_strdup (prefix);
  self->text = g_string_new (NULL);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

char *
pmss_metrics_finish (PmssMetrics * self)
{
  char *text = g_string_free (self->text, FALSE);

  g_hash_table_unref (self->names);
  g_free (self->prefix);
  g_free (self);
  return text;
}

void
pmss_metrics_append (PmssMetrics * self, const char *text)
{
  g_string_append (self->text, text);
  self->name = NULL;
}

/* Help has no quotation marks to be escaped, values of labels have. */
static void
append_escaped (GString * text, const char *value, gboolean quotes)
{
  for (; *value != '\0'; value++) {
    if (*value == '\n')
      g_string_append (text, "\\n");
    else if (*value == '\\' || (quotes && *value == '"'))
      g_string_append_printf (text, "\\%c", *value);
    else
      g_string_append_c (text, *value);
  }
}

static void
append_line_head (PmssMetrics * self, const char *keyword)
{
  g_string_append_printf (self->text, "# %s %s%s ", keyword, self->prefix,
      self->name);
}

void
pmss_metrics_family (PmssMetrics * self, const char *name, PmssMetricType type,
    const char *help)
{
  char *copy;

  g_return_if_fail (!g_hash_table_contains (self->names, name));
  g_return_if_fail (name[0] != '\0'
      && name[strspn (name, NAME_CHARACTERS)] == '\0');
  copy = g_strdup (name);
  g_hash_table_add (self->names, copy);
  self->name = copy;
  append_line_head (self, "HELP");
  append_escaped (self->text, help, FALSE);
  g_string_append_c (self->text, '\n');
  append_line_head (self, "TYPE");
  g_string_append_printf (self->text, "%s\n", types[type]);
}

/* What stands before a value. @bound: (nullable): of a histogram's bucket. */
static void
append_name (PmssMetrics * self, const char *suffix, const char *label,
    const char *of, const char *bound)
{
  g_string_append_printf (self->text, "%s%s%s", self->prefix, self->name,
      suffix);
  if (label != NULL || bound != NULL)
    g_string_append_c (self->text, '{');
  if (label != NULL) {
    g_string_append_printf (self->text, "%s=\"", label);
    append_escaped (self->text, of, TRUE);
    g_string_append_c (self->text, '"');
  }
  if (bound != NULL)
    g_string_append_printf (self->text, "%sle=\"%s\"",
        label != NULL ? "," : "", bound);
  if (label != NULL || bound != NULL)
    g_string_append_c (self->text, '}');
  g_string_append_c (self->text, ' ');
}

static void
append_number (PmssMetrics * self, guint64 value)
{
  g_string_append_printf (self->text, "%" G_GUINT64_FORMAT "\n", value);
}

void
pmss_metrics_add (PmssMetrics * self, const char *label, const char *of,
    guint64 value)
{
  g_return_if_fail (self->name != NULL);
  append_name (self, "", label, of, NULL);
  append_number (self, value);
}

void
pmss_metrics_add_numbered (PmssMetrics * self, const char *label, guint of,
    guint64 value)
{
  g_autofree char *text = g_strdup_printf ("%u", of);

  pmss_metrics_add (self, label, text, value);
}

/* With a point, whatever the locale. */
void
pmss_metrics_add_real (PmssMetrics * self, const char *label, const char *of,
    double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_return_if_fail (self->name != NULL);
  append_name (self, "", label, of, NULL);
  g_string_append_printf (self->text, "%s\n",
      g_ascii_formatd (text, sizeof text, "%.4f", value));
}

void
pmss_metrics_add_histogram (PmssMetrics * self, const char *label,
    const char *of, const gint64 * bounds, guint n_bounds,
    const guint64 * numbers, gint64 sum)
{
  guint64 number = 0;

  g_return_if_fail (self->name != NULL);
  for (guint i = 0; i <= n_bounds; i++) {
    char bound[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";

    if (i < n_bounds)
      g_ascii_formatd (bound, sizeof bound, "%g",
          bounds[i] / (double) G_USEC_PER_SEC);
    number += numbers[i];
    append_name (self, "_bucket", label, of, bound);
    append_number (self, number);
  }
  append_name (self, "_sum", label, of, NULL);
  g_string_append_printf (self->text, "%" G_GINT64_FORMAT ".%06d\n",
      sum / G_USEC_PER_SEC, (int) (sum % G_USEC_PER_SEC));
  append_name (self, "_count", label, of, NULL);
  append_number (self, number);
}

void
pmss_metrics_single (PmssMetrics * self, const char *name, PmssMetricType type,
    const char *help, guint64 value)
{
  pmss_metrics_family (self, name, type, help);
  pmss_metrics_add (self, NULL, NULL, value);
}
