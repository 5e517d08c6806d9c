/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Faults in words. Pure. */
#include "control/monitor/fault-words.h"

#include <math.h>

#include "libpmss/pmss-json.h"
#include "libpmss/pmss-text.h"

typedef struct
{
  const char *name, *action, *item, *advice;
} Words;

static const Words words[PMSS_N_FAULTS] = {
  [PMSS_FAULT_DISK_LOW] = {"disk_low", "disk low", "node-disk-low",
      "Delete media, or add storage servers."},
  [PMSS_FAULT_DISK_SLOW] = {"disk_slow", "disk slow", "node-disk-slow",
      "Look at that disk's health, and at what else uses it."},
  [PMSS_FAULT_CPU] = {"overload_cpu", "overload", "node-overload",
      "Look what else runs there, or add storage servers."},
  [PMSS_FAULT_MEMORY] = {"overload_memory", "overload", "node-overload",
      "Look what else runs there, or give it more memory."},
  [PMSS_FAULT_LINK] = {"overload_link", "overload", "node-overload",
      "Add storage servers, or give it a faster link."},
  [PMSS_FAULT_SLOW] = {"node_slow", "node slow", "node-slow",
      "Look at its disk, and at the network between it and the viewers."},
  [PMSS_FAULT_BAD_SHARDS] =
      {"checksum_failures", "checksum failures", "node-checksums",
      "Look at that server's disk and memory: it loses data."},
  [PMSS_FAULT_CLOCK] = {"clock_skew", "clock skew", "node-clock",
      "Compare both clocks with the time, and let NTP keep them."},
  [PMSS_FAULT_CERTIFICATE] =
      {"certificate_ends", "certificate ends", "node-certificate",
      "Exchange the certificate, and start the server again."},
};

const char *
pmss_fault_get_action (PmssFaultKind kind)
{
  return words[kind].action;
}

const char *
pmss_fault_get_name (PmssFaultKind kind)
{
  return words[kind].name;
}

const char *
pmss_fault_get_item (const PmssFault * fault)
{
  return fault->node == 0 && fault->kind == PMSS_FAULT_CERTIFICATE ?
      "certificate" : words[fault->kind].item;
}

const char *
pmss_fault_get_advice (const PmssFault * fault)
{
  return words[fault->kind].advice;
}

static guint
to_percent (double fraction)
{
  return (guint) floor (CLAMP (fraction, 0, 1e6) * 100 + 0.5);
}

static char *
describe_room (const PmssFault * fault)
{
  g_autofree char *left = g_format_size ((guint64) CLAMP (fault->figure, 0,
          1e18));

  return g_strdup_printf ("its disk has %s (%u %%) free for shards, less than "
      "10 %% and 50 GB", left, to_percent (fault->other));
}

static char *
describe_disk (const PmssFault * fault)
{
  g_autofree char *disk = pmss_text_clean (fault->subject);

  return g_strdup_printf ("its disk “%s” takes %.2f s for a request, more "
      "than 0.1 s, and is busy %u %% of the time", disk, fault->figure,
      to_percent (fault->other));
}

static char *
describe_certificate (const PmssFault * fault)
{
  g_autofree char *end = pmss_json_format_time ((gint64) CLAMP (fault->other,
          0, 2e11));
  const char *whose = fault->node == 0 ? "the control server's" : "its";

  if (fault->figure <= 0)
    return g_strdup_printf ("%s certificate has ended: %s", whose, end);
  return g_strdup_printf ("%s certificate ends in %.0f day%s: %s", whose,
      ceil (fault->figure), ceil (fault->figure) == 1 ? "" : "s", end);
}

char *
pmss_fault_describe (const PmssFault * fault)
{
  switch (fault->kind) {
    case PMSS_FAULT_DISK_LOW:
      return describe_room (fault);
    case PMSS_FAULT_DISK_SLOW:
      return describe_disk (fault);
    case PMSS_FAULT_CPU:
      return g_strdup_printf ("its processors are busy by %u %%, more than "
          "95 %%", to_percent (fault->figure));
    case PMSS_FAULT_MEMORY:
      return g_strdup_printf ("%u %% of its memory is in use, more than 95 %%",
          to_percent (fault->figure));
    case PMSS_FAULT_LINK:
      return g_strdup_printf ("its network carries %u %% of its limit, more "
          "than 95 %%", to_percent (fault->figure));
    case PMSS_FAULT_SLOW:
      return g_strdup_printf ("it is slow for viewers: %.0f of %.0f who read "
          "from it complain", fault->figure, fault->other);
    case PMSS_FAULT_BAD_SHARDS:
      return g_strdup_printf ("%.0f more of its shards are bad than an hour "
          "ago", fault->figure);
    case PMSS_FAULT_CLOCK:
      return g_strdup_printf ("its clock is %.0f s %s that of control, more "
          "than 2 s", fabs (fault->figure),
          fault->figure < 0 ? "behind" : "ahead of");
    case PMSS_FAULT_CERTIFICATE:
      return describe_certificate (fault);
  }
  return NULL;
}

static char *
format_span (gint64 seconds)
{
  if (seconds < 120)
    return g_strdup_printf ("%" G_GINT64_FORMAT " s", seconds);
  if (seconds < 7200)
    return g_strdup_printf ("%" G_GINT64_FORMAT " min", seconds / 60);
  return g_strdup_printf ("%" G_GINT64_FORMAT " h", seconds / 3600);
}

char *
pmss_fault_describe_turn (const PmssFaultChange * change, gint64 now)
{
  g_autofree char *what = pmss_fault_describe (&change->fault);
  g_autofree char *span = NULL;

  if (change->turn != PMSS_FAULT_ENDS)
    return g_strdup_printf ("%s. %s", what,
        pmss_fault_get_advice (&change->fault));
  span = format_span ((now - change->fault.began) / G_USEC_PER_SEC);
  return g_strdup_printf ("over after %s: %s", span, what);
}
