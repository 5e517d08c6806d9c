/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "disk.h"
#include "memory.h"
#include "network.h"
#include "processors.h"

G_BEGIN_DECLS

/**
 * PmssMachine:
 *
 * The machine that this server runs on, and the disk of its data folder. Figures that the kernel
 * does not give are not known, and nothing else follows from that. Never changes. Threads: any.
 */
typedef struct _PmssMachine PmssMachine;

/* @root: before /proc and /sys; "" but in tests. @folder: the data folder. @device: of its disk
 * (pmss_disk_find()); 0: not known. */
PmssMachine *pmss_machine_new        (const char *root, const char *folder, dev_t device);
void         pmss_machine_free       (PmssMachine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssMachine, pmss_machine_free)

/* The data folder, as text for people: its end, where it is long. */
const char  *pmss_machine_get_folder (const PmssMachine *machine);
/* Of its disk; NULL: not known. */
const char  *pmss_machine_get_device (const PmssMachine *machine);
/* bit/s; FALSE: not known. */
gboolean     pmss_machine_get_speed  (const PmssMachine *machine, const char *interface,
    guint64 *speed);

typedef struct
{
  PmssProcessors processors;
  PmssMemory memory;
  PmssProcess process;
  PmssDiskCounters disk;
  PmssNetwork network;
} PmssMachineCounters;
/* As of now. Does not wait for a disk. */
void         pmss_machine_count      (const PmssMachine *machine, PmssMachineCounters *counters);

G_END_DECLS
