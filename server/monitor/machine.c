/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All of the machine's counters at a moment. Any thread. */
#include "machine.h"

#include <string.h>

#include "libpmss/pmss-text.h"

#define MAX_FOLDER 95           /* bytes; control takes no more */
#define CUT "…"

struct _PmssMachine
{
  char *root;
  char *folder;                 /* clean text */
  dev_t disk;                   /* 0: not known */
  char *device;                 /* nullable: its name */
};

/* A path is told apart by its end. */
static char *
make_label (const char *folder)
{
  g_autofree char *name = g_filename_display_name (folder);
  char *clean = pmss_text_clean (name);
  gsize length = strlen (clean);
  const char *rest;
  char *label;

  if (length <= MAX_FOLDER)
    return clean;
  rest = g_utf8_find_next_char (clean + length - MAX_FOLDER + strlen (CUT) - 1,
      NULL);
  label = g_strconcat (CUT, rest, NULL);
  g_free (clean);
  return label;
}

PmssMachine *
pmss_machine_new (const char *root, const char *folder, dev_t device)
{
  PmssMachine *machine = g_new0 (PmssMachine, 1);

  machine->root = g_strdup (root);
  machine->folder = make_label (folder);
  machine->disk = device;
  machine->device = pmss_disk_get_name (root, device);
  return machine;
}

void
pmss_machine_free (PmssMachine * machine)
{
  g_free (machine->root);
  g_free (machine->folder);
  g_free (machine->device);
  g_free (machine);
}

const char *
pmss_machine_get_folder (const PmssMachine * machine)
{
  return machine->folder;
}

const char *
pmss_machine_get_device (const PmssMachine * machine)
{
  return machine->device;
}

gboolean
pmss_machine_get_speed (const PmssMachine * machine, const char *interface,
    guint64 * speed)
{
  return pmss_network_get_speed (machine->root, interface, speed);
}

void
pmss_machine_count (const PmssMachine * machine, PmssMachineCounters * counters)
{
  pmss_processors_read (machine->root, &counters->processors);
  pmss_memory_read (machine->root, &counters->memory);
  pmss_process_read (machine->root, &counters->process);
  pmss_disk_read (machine->root, machine->disk, &counters->disk);
  pmss_network_read (machine->root, &counters->network);
}
