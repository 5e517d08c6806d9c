/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Faults that are planted in the reader, so that it is known that the simulation finds such.
 *
 * No code of them is in the reader: the linker (--wrap) leads calls between its objects through
 * here. */
typedef enum
{
  SIM_FLAW_NONE,
  SIM_FLAW_CHECKSUM,            /* a unit's checksum is not looked at */
  SIM_FLAW_WRONG_RECORD,        /* any good record is taken for the one that was asked for */
  SIM_FLAW_WAKEUP,              /* some wake-ups of the I/O thread are lost */
  SIM_FLAW_TIMER,               /* a timer is not set sometimes */
  SIM_FLAW_RESTLESS,            /* there is always something that is due */
  SIM_FLAW_CANCEL,              /* streams are not cancelled */
  SIM_FLAW_TOKEN,               /* the first token is shown for ever */
  SIM_FLAW_LATE,                /* no node is ever late */
  SIM_FLAW_HEDGING,             /* anything may be asked for twice */
  SIM_FLAW_EVICT,               /* nothing leaves the cache */
  SIM_FLAW_MEMORY,              /* each reader holds what it would alone */
  SIM_FLAW_BACKOFF,             /* a node that fails is asked again at once */
  SIM_FLAW_SESSION,             /* the session is not given back */
  SIM_FLAW_LAYOUT,              /* a new layout is not taken over */
  SIM_N_FLAWS,
} SimFlaw;

void        sim_flaws_plant     (SimFlaw flaw);
const char *sim_flaw_to_string  (SimFlaw flaw);
/* SIM_N_FLAWS: there is none of that name. */
SimFlaw     sim_flaw_from_string (const char *name);

G_END_DECLS
