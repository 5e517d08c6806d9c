/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of the machine, memory and time of the process. Any thread. */
#include "memory.h"

#include <string.h>
#include <unistd.h>

#include "kernel-file.h"

/* Of /proc/self/stat, counted from the one behind the name. */
#define FIELD_USER 11
#define FIELD_SYSTEM 12
#define FIELD_RESIDENT 21
#define N_FIELDS 22

static gboolean
find_memory (const char *text, const char *name, guint64 * bytes)
{
  const char *line = text;

  while (line != NULL && !g_str_has_prefix (line, name)) {
    line = strchr (line, '\n');
    line = line != NULL ? line + 1 : NULL;
  }
  return line != NULL
      && pmss_kernel_file_parse_numbers (line + strlen (name), bytes, 1) == 1
      && g_uint64_checked_mul (bytes, *bytes, 1024);
}

gboolean
pmss_memory_parse (const char *text, PmssMemory * memory)
{
  memset (memory, 0, sizeof *memory);
  if (!find_memory (text, "MemTotal:", &memory->total)
      || !find_memory (text, "MemAvailable:", &memory->available)
      || memory->available > memory->total)
    return FALSE;
  memory->known = TRUE;
  memory->cached_known = find_memory (text, "Cached:", &memory->cached);
  return TRUE;
}

gboolean
pmss_memory_read (const char *root, PmssMemory * memory)
{
  g_autofree char *text = pmss_kernel_file_read (root, "/proc/meminfo");

  return pmss_memory_parse (text != NULL ? text : "", memory);
}

/* PID (NAME) STATE NUMBER ...: the name may have anything in it. */
gboolean
pmss_process_parse (const char *text, guint page, guint hertz,
    PmssProcess * process)
{
  const char *rest = strrchr (text, ')');
  g_auto (GStrv) fields = NULL;
  guint64 user, system;

  memset (process, 0, sizeof *process);
  if (rest == NULL || rest[1] != ' ' || hertz == 0)
    return FALSE;
  fields = g_strsplit (rest + 2, " ", N_FIELDS + 1);
  process->known = g_strv_length (fields) > FIELD_RESIDENT
      && g_ascii_string_to_unsigned (fields[FIELD_USER], 10, 0, G_MAXUINT64,
      &user, NULL)
      && g_ascii_string_to_unsigned (fields[FIELD_SYSTEM], 10, 0, G_MAXUINT64,
      &system, NULL)
      && g_ascii_string_to_unsigned (fields[FIELD_RESIDENT], 10, 0,
      G_MAXUINT64, &process->resident, NULL)
      && g_uint64_checked_mul (&process->resident, process->resident, page);
  if (process->known)
    process->cpu = ((double) user + system) / hertz;
  return process->known;
}

gboolean
pmss_process_read (const char *root, PmssProcess * process)
{
  g_autofree char *text = pmss_kernel_file_read (root, "/proc/self/stat");

  return pmss_process_parse (text != NULL ? text : "", sysconf (_SC_PAGESIZE),
      sysconf (_SC_CLK_TCK), process);
}
