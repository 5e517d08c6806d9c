/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may hold how much of the memory that readers share. I/O thread. */
#include "libpmss/reader/pmss-memory.h"

/* Bytes a second. Who reads faster plays no medium, but copies it, and has no deadline. */
#define MAX_PACE (8 * 1024 * 1024)
/* Nobody is so slow that a jump should find nothing. */
#define MIN_PACE (128 * 1024)
/* Of one that has not been measured yet: a film of 8 Mbit/s. */
#define USUAL_PACE (1024 * 1024)

struct _PmssMemory
{
  guint64 total;
  GPtrArray *shares;            /* of PmssShare */
  guint64 claimed;              /* sum of what is claimed */
};

struct _PmssShare
{
  PmssMemory *memory;
  guint64 least, most;
  guint64 want;                 /* least to most */
  guint64 pace;                 /* bytes/s, MIN_PACE to MAX_PACE */
  guint64 part;                 /* of the budget; least to want */
  guint64 held;
  PmssShareFunc shrink;
  gpointer user_data;
};

PmssMemory *
pmss_memory_new (guint64 total)
{
  PmssMemory *memory = g_new0 (PmssMemory, 1);

  memory->total = total;
  memory->shares = g_ptr_array_new_with_free_func (g_free);
  return memory;
}

void
pmss_memory_free (PmssMemory * memory)
{
  g_ptr_array_unref (memory->shares);
  g_free (memory);
}

/* What others cannot have: its part, and what it has yet to give back. */
static guint64
get_claim (const PmssShare * share)
{
  return MAX (share->part, share->held);
}

static gboolean
is_satisfied (const PmssShare * share)
{
  return share->part == share->want;
}

/* Gives all that want no more than the level allows what they want, which raises the level for the
 * others. FALSE: there is none. */
static gboolean
satisfy (PmssMemory * memory, double level, guint64 * left)
{
  gboolean any = FALSE;

  for (guint i = 0; i < memory->shares->len; i++) {
    PmssShare *share = memory->shares->pdata[i];
    guint64 more = share->want - share->part;

    if (is_satisfied (share) || (double) more > level * (double) share->pace)
      continue;
    share->part = share->want;
    *left -= MIN (*left, more);
    any = TRUE;
  }
  return any;
}

/* Seconds of their pace that @left is enough for; 0: all have what they want. */
static double
get_level (PmssMemory * memory, guint64 left)
{
  double pace = 0;

  for (guint i = 0; i < memory->shares->len; i++) {
    const PmssShare *share = memory->shares->pdata[i];

    if (!is_satisfied (share))
      pace += (double) share->pace;
  }
  return pace > 0 ? (double) left / pace : 0;
}

static void
divide (PmssMemory * memory)
{
  guint64 left = memory->total;
  double level;

  for (guint i = 0; i < memory->shares->len; i++) {
    PmssShare *share = memory->shares->pdata[i];

    share->part = share->least;
    left -= MIN (left, share->least);
  }
  do
    level = get_level (memory, left);
  while (level > 0 && satisfy (memory, level, &left));
  memory->claimed = 0;
  for (guint i = 0; i < memory->shares->len; i++) {
    PmssShare *share = memory->shares->pdata[i];

    if (!is_satisfied (share))
      share->part += (guint64) (level * (double) share->pace);
    memory->claimed += get_claim (share);
  }
}

static void
tell_others (PmssMemory * memory, const PmssShare * but)
{
  for (guint i = 0; i < memory->shares->len; i++) {
    PmssShare *share = memory->shares->pdata[i];

    if (share != but && share->held > pmss_share_get (share))
      share->shrink (share->user_data);
  }
}

void
pmss_memory_set_total (PmssMemory * memory, guint64 total)
{
  memory->total = total;
  divide (memory);
  tell_others (memory, NULL);
}

PmssShare *
pmss_memory_join (PmssMemory * memory, guint64 least, guint64 most,
    PmssShareFunc shrink, gpointer user_data)
{
  PmssShare *share = g_new0 (PmssShare, 1);

  share->memory = memory;
  share->most = most;
  share->least = share->want = MIN (least, most);
  share->pace = USUAL_PACE;
  share->shrink = shrink;
  share->user_data = user_data;
  g_ptr_array_add (memory->shares, share);
  divide (memory);
  tell_others (memory, share);
  return share;
}

void
pmss_share_leave (PmssShare * share)
{
  PmssMemory *memory = share->memory;

  g_ptr_array_remove_fast (memory->shares, share);
  divide (memory);
}

void
pmss_share_want (PmssShare * share, guint64 bytes, guint64 pace)
{
  guint64 want = CLAMP (bytes, share->least, share->most);

  pace = CLAMP (pace > 0 ? pace : USUAL_PACE, MIN_PACE, MAX_PACE);
  if (want == share->want && pace == share->pace)
    return;
  share->want = want;
  share->pace = pace;
  divide (share->memory);
  tell_others (share->memory, share);
}

guint64
pmss_share_get (const PmssShare * share)
{
  guint64 total = share->memory->total;
  guint64 others = share->memory->claimed - get_claim (share);
  guint64 free = total - MIN (total, others);

  return CLAMP (MAX (free, MIN (share->part, share->held)), share->least,
      share->most);
}

void
pmss_share_hold (PmssShare * share, guint64 bytes)
{
  share->memory->claimed -= get_claim (share);
  share->held = bytes;
  share->memory->claimed += get_claim (share);
}
