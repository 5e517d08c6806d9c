/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processors' time, from /proc/stat. Any thread. */
#include "processors.h"

#include <string.h>

#include "kernel-file.h"

#define LEAST_MODES 5           /* what the oldest kernels count */

static const char *const mode_names[] = {
  [PMSS_CPU_USER] = "user",
  [PMSS_CPU_NICE] = "nice",
  [PMSS_CPU_SYSTEM] = "system",
  [PMSS_CPU_IDLE] = "idle",
  [PMSS_CPU_IOWAIT] = "iowait",
  [PMSS_CPU_IRQ] = "irq",
  [PMSS_CPU_SOFTIRQ] = "softirq",
  [PMSS_CPU_STEAL] = "steal",
};

const char *
pmss_processors_mode_name (PmssCpuMode mode)
{
  return mode_names[mode];
}

/* After the sum of all there is a line for each: "cpu0 ...". */
static guint
count_processors (const char *text)
{
  guint number = 0;

  while ((text = strchr (text, '\n')) != NULL) {
    text++;
    if (!g_str_has_prefix (text, "cpu"))
      break;
    number += g_ascii_isdigit (text[strlen ("cpu")]);
  }
  return number;
}

gboolean
pmss_processors_parse (const char *text, PmssProcessors * processors)
{
  memset (processors, 0, sizeof *processors);
  if (!g_str_has_prefix (text, "cpu ")
      || pmss_kernel_file_parse_numbers (text + strlen ("cpu "),
          processors->ticks, PMSS_N_CPU_MODES) < LEAST_MODES)
    return FALSE;
  processors->known = TRUE;
  processors->number = count_processors (text);
  return TRUE;
}

gboolean
pmss_processors_read (const char *root, PmssProcessors * processors)
{
  g_autofree char *text = pmss_kernel_file_read (root, "/proc/stat");

  return pmss_processors_parse (text != NULL ? text : "", processors);
}
