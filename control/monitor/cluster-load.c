/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the cluster has to do. On the main thread, but for one query. */
#include "control/monitor/cluster-load.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "control/database/database.h"

#define COUNT_EVERY (5 * G_USEC_PER_SEC)
/* after which a count says nothing of the present */
#define COUNT_GOOD (30 * G_USEC_PER_SEC)

/* Written by the database thread, also when the object has gone. */
typedef struct
{
  GMutex lock;                  /* protects the rest */
  gint64 counted;               /* monotonic, µs; 0: not yet */
  gint64 users, clients;
  gboolean waits;               /* for its turn */
} Viewers;

struct _PmssClusterLoad
{
  PmssDatabase *database;
  Viewers *viewers;             /* atomically counted */
  gint64 asked;                 /* monotonic, µs */
  /* of control's own process, when it was looked last */
  gint64 looked;
  double spent;                 /* s of processors */
};

static void
viewers_clear (gpointer data)
{
  Viewers *viewers = data;

  g_mutex_clear (&viewers->lock);
}

static void
viewers_unref (gpointer data)
{
  Viewers *viewers = data;

  g_mutex_lock (&viewers->lock);
  viewers->waits = FALSE;
  g_mutex_unlock (&viewers->lock);
  g_atomic_rc_box_release_full (viewers, viewers_clear);
}

PmssClusterLoad *
pmss_cluster_load_new (PmssDatabase * database)
{
  PmssClusterLoad *self = g_new0 (PmssClusterLoad, 1);

  self->database = database;
  self->viewers = g_atomic_rc_box_new0 (Viewers);
  g_mutex_init (&self->viewers->lock);
  return self;
}

void
pmss_cluster_load_free (PmssClusterLoad * self)
{
  viewers_unref (self->viewers);
  g_free (self);
}

/* --- who plays --- */

static gboolean
count_viewers (PmssDatabase * database, gpointer data, GError ** error)
{
  Viewers *viewers = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(DISTINCT user), count(DISTINCT user || ' ' || address)"
      " FROM session");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  g_mutex_lock (&viewers->lock);
  viewers->users = pmss_rows_int (rows, 0);
  viewers->clients = pmss_rows_int (rows, 1);
  viewers->counted = g_get_monotonic_time ();
  g_mutex_unlock (&viewers->lock);
  return TRUE;
}

/* One at a time: a database that is stuck is not asked again and again. */
static void
ask_viewers (PmssClusterLoad * self, gint64 now)
{
  gboolean waits;

  if (self->asked != 0 && now - self->asked < COUNT_EVERY)
    return;
  g_mutex_lock (&self->viewers->lock);
  waits = self->viewers->waits;
  self->viewers->waits = TRUE;
  g_mutex_unlock (&self->viewers->lock);
  if (waits)
    return;
  self->asked = now;
  pmss_database_transact_within (self->database, 0, count_viewers,
      g_atomic_rc_box_acquire (self->viewers), viewers_unref, NULL);
}

static void
add_viewers (PmssClusterLoad * self, gint64 now, double *values)
{
  Viewers *viewers = self->viewers;

  g_mutex_lock (&viewers->lock);
  if (viewers->counted != 0 && now - viewers->counted < COUNT_GOOD) {
    values[PMSS_SERIES_USERS] = (double) viewers->users;
    values[PMSS_SERIES_CLIENTS] = (double) viewers->clients;
  }
  g_mutex_unlock (&viewers->lock);
}

/* --- control's own process --- */

static double
get_spent (void)
{
  struct rusage usage;

  if (getrusage (RUSAGE_SELF, &usage) != 0)
    return PMSS_UNKNOWN;
  return (double) usage.ru_utime.tv_sec + (double) usage.ru_stime.tv_sec
      + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
get_memory (void)
{
  char text[128];
  unsigned long long size, resident;
  gssize n;
  int fd = open ("/proc/self/statm", O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return PMSS_UNKNOWN;
  n = read (fd, text, sizeof (text) - 1);
  close (fd);
  text[MAX (n, 0)] = '\0';
  if (sscanf (text, "%llu %llu", &size, &resident) != 2)
    return PMSS_UNKNOWN;
  return (double) resident *(double) sysconf (_SC_PAGESIZE);
}

static void
add_process (PmssClusterLoad * self, gint64 now, double *values)
{
  double spent = get_spent ();

  if (self->looked != 0 && now > self->looked)
    values[PMSS_SERIES_CONTROL_CPU] = (spent - self->spent)
        / ((double) (now - self->looked) / G_USEC_PER_SEC);
  values[PMSS_SERIES_CONTROL_MEMORY] = get_memory ();
  self->looked = now;
  self->spent = spent;
}

void
pmss_cluster_load_look (PmssClusterLoad * self, gint64 now,
    double values[PMSS_N_SERIES])
{
  ask_viewers (self, now);
  values[PMSS_SERIES_STREAMS] =
      (double) pmss_database_get_tally (self->database, "session", "");
  values[PMSS_SERIES_BAD_SHARDS] =
      (double) pmss_database_get_tally (self->database, "bad_shard", "");
  add_viewers (self, now, values);
  add_process (self, now, values);
}
