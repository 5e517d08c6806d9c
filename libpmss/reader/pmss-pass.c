/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-pass.h"

void
pmss_pass_clear (PmssPass * pass)
{
  g_clear_pointer (&pass->taken, g_free);
  pass->taken_number = pass->refused = 0;
}

static gboolean
shows_taken (const PmssPass * pass, guint newest_number)
{
  return pass->taken != NULL && pass->refused == newest_number
      && pass->taken_number != newest_number;
}

const char *
pmss_pass_choose (const PmssPass * pass, const char *newest,
    guint newest_number, guint * number)
{
  gboolean old = shows_taken (pass, newest_number);

  *number = old ? pass->taken_number : newest_number;
  return old ? pass->taken : newest;
}

void
pmss_pass_note_taken (PmssPass * pass, guint number, const char *newest,
    guint newest_number)
{
  if (number != newest_number || pass->taken_number == number)
    return;
  g_free (pass->taken);
  pass->taken = g_strdup (newest);
  pass->taken_number = number;
}

gboolean
pmss_pass_note_refused (PmssPass * pass, guint number, guint newest_number)
{
  guint before;

  /* it has run out, or its session has ended */
  if (number == pass->taken_number)
    g_clear_pointer (&pass->taken, g_free);
  if (pass->taken == NULL)
    pass->taken_number = 0;
  before = pass->refused;
  pass->refused = MAX (before, number);
  return (number < newest_number && before < newest_number)
      || shows_taken (pass, newest_number);
}
