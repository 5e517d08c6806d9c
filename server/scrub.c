/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that reads all shards, how fast, and what it has found. */
#define _GNU_SOURCE
#include "scrub-private.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "daemon/pmss-daemon.h"

#define PAGE 500                /* names that are listed at a time */
#define LEAST_RATE (256 * 1024) /* bytes/s, however little there is to read */
#define CATCH_UP G_USEC_PER_SEC /* time lost while a disk was slow that is made up for */
#define STORE_EVERY (60 * G_USEC_PER_SEC)
#define LONG_WAIT (60 * G_USEC_PER_SEC) /* a clock may have been set meanwhile */
#define SHORT_WAIT (G_USEC_PER_SEC / 10)
#define MAX_FINDINGS 64         /* that wait for control; then reading does, too */
#define MAX_TOLD 32             /* in one heartbeat, */
#define MAX_ROWS_TOLD 4096      /* and no more rows in it */
#define MAX_LOGGED 20           /* bad shards of a pass that the log names */

/* linux/ioprio.h, which glibc does not have; a "process" is a thread */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)

struct _PmssScrub
{
  PmssStore *store;
  char *folder;
  guint period;
  gboolean report;
  GThread *thread;

  /* the thread's alone */
  gint64 due;                   /* monotonic: when more may be read */
  double rate;                  /* bytes/s */
  gint64 stored_at;
  gboolean store_failed;        /* and that was logged */

  GMutex lock;                  /* protects all below; not held over a system call */
  GCond cond;                   /* `stop` or `findings` has changed */
  gboolean stop;
  PmssScrubMark mark;           /* what has been read */
  GQueue findings;              /* PmssScrubFinding; added by the thread, removed by the main thread */
  guint told;                   /* so many of them, the first, were last got */
  PmssScrubStats stats;
};

/* --- waiting --- */

/* FALSE: stop. */
static gboolean
wait_until (PmssScrub * scrub, gint64 until)
{
  gboolean stop;

  g_mutex_lock (&scrub->lock);
  while (!scrub->stop && g_cond_wait_until (&scrub->cond, &scrub->lock, until));
  stop = scrub->stop;
  g_mutex_unlock (&scrub->lock);
  return !stop;
}

static gboolean
wait_for_room (PmssScrub * scrub, guint most)
{
  gboolean stop;

  g_mutex_lock (&scrub->lock);
  while (!scrub->stop && scrub->findings.length > most)
    g_cond_wait (&scrub->cond, &scrub->lock);
  stop = scrub->stop;
  g_mutex_unlock (&scrub->lock);
  return !stop;
}

static gint64
now_in_seconds (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* --- how fast --- */

/* What is left is read in the time that is left. A pass that is late does not make up for it at any price. */
static void
set_rate (PmssScrub * scrub)
{
  PmssStoreUsage usage;
  double left, rest, most;

  pmss_store_get_usage (scrub->store, &usage);
  most = 2.0 * usage.used / scrub->period;
  rest = (double) usage.used - MIN (usage.used, scrub->mark.bytes);
  left = (double) scrub->mark.start + scrub->period - now_in_seconds ();
  scrub->rate = left > 0 ? MIN (rest / left, most) : most;
  scrub->rate = MAX (scrub->rate, LEAST_RATE);
}

static gboolean
pace (gsize bytes, gpointer data)
{
  PmssScrub *scrub = data;

  scrub->due = MAX (scrub->due, g_get_monotonic_time () - CATCH_UP);
  scrub->due += bytes * (double) G_USEC_PER_SEC / scrub->rate;
  if (!wait_until (scrub, scrub->due))
    return FALSE;
  g_mutex_lock (&scrub->lock);
  scrub->stats.bytes += bytes;
  g_mutex_unlock (&scrub->lock);
  return TRUE;
}

/* --- where it is --- */

/* Findings of which nobody knows are found again after a crash. */
static void
store_mark (PmssScrub * scrub)
{
  g_autoptr (GError) error = NULL;
  PmssScrubFinding *first;
  PmssScrubMark mark;

  g_mutex_lock (&scrub->lock);
  first = g_queue_peek_head (&scrub->findings);
  mark = first != NULL ? first->before : scrub->mark;
  g_mutex_unlock (&scrub->lock);
  scrub->stored_at = g_get_monotonic_time ();
  if (!pmss_scrub_mark_store (scrub->folder, &mark, &error)
      && !scrub->store_failed)
    g_warning ("cannot store how far scrubbing is: %s", error->message);
  scrub->store_failed = error != NULL;
}

static void
note_read (PmssScrub * scrub, const char *name, guint64 bytes, gboolean bad)
{
  PmssStoreUsage usage;

  pmss_store_get_usage (scrub->store, &usage);
  g_mutex_lock (&scrub->lock);
  g_strlcpy (scrub->mark.after, name, sizeof scrub->mark.after);
  scrub->mark.bytes += bytes;
  scrub->mark.shards++;
  scrub->mark.bad += bad;
  scrub->stats.shards++;
  scrub->stats.bad += bad;
  scrub->stats.progress = usage.used == 0 ? 0
      : MIN ((double) scrub->mark.bytes / usage.used, 1);
  g_mutex_unlock (&scrub->lock);
}

/* --- what it finds --- */

static void
log_finding (PmssScrub * scrub, const PmssScrubFinding * finding)
{
  g_autoptr (GString) rows = g_string_new (NULL);

  if (scrub->mark.bad == MAX_LOGGED)
    g_warning ("scrub: more bad shards of this pass are not named here");
  if (scrub->mark.bad >= MAX_LOGGED)
    return;
  for (guint i = 0; finding->rows && i < finding->rows->len; i++) {
    if (i == 20) {
      g_string_append_printf (rows, " and %u more", finding->rows->len - i);
      break;
    }
    g_string_append_printf (rows, "%s%u", i == 0 ? ", rows " : " ",
        g_array_index (finding->rows, guint32, i));
  }
  g_warning ("scrub: shard %s is %s%s: %s", finding->name,
      finding->unreadable ? "unreadable" : "damaged", rows->str,
      finding->reason);
}

/* Takes @finding. */
static gboolean
keep_finding (PmssScrub * scrub, PmssScrubFinding * finding)
{
  log_finding (scrub, finding);
  if (!scrub->report) {
    pmss_scrub_finding_free (finding);
    return TRUE;
  }
  if (!wait_for_room (scrub, MAX_FINDINGS - 1)) {
    pmss_scrub_finding_free (finding);
    return FALSE;
  }
  g_mutex_lock (&scrub->lock);
  finding->before = scrub->mark;
  g_queue_push_tail (&scrub->findings, finding);
  g_mutex_unlock (&scrub->lock);
  return TRUE;
}

/* --- a pass --- */

/* FALSE: stop. */
static gboolean
read_shard (PmssScrub * scrub, const char *name)
{
  PmssScrubFinding *finding;
  guint64 bytes;
  gboolean bad;

  for (;;) {
    g_autoptr (GError) error = NULL;

    set_rate (scrub);
    if (pmss_scrub_read_shard (scrub->store, name, pace, scrub, &bytes,
            &finding, &error))
      break;
    /* as when there are no descriptors left */
    if (error == NULL
        || !wait_until (scrub, g_get_monotonic_time () + SHORT_WAIT))
      return FALSE;
  }
  bad = finding != NULL;
  if (bad && !keep_finding (scrub, finding))
    return FALSE;
  note_read (scrub, name, bytes, bad);
  if (g_get_monotonic_time () - scrub->stored_at > STORE_EVERY)
    store_mark (scrub);
  return TRUE;
}

static gboolean
read_folder (PmssScrub * scrub, guint folder)
{
  for (;;) {
    g_autoptr (GError) error = NULL;
    const char *after = scrub->mark.after[0] ? scrub->mark.after : NULL;
    g_autoptr (GArray) names = pmss_store_list_folder (scrub->store, folder,
        after, PAGE, &error);

    if (names == NULL) {
      g_warning ("scrub: folder %02x is left out: %s", folder, error->message);
      return TRUE;
    }
    if (names->len == 0)
      return TRUE;
    for (guint i = 0; i < names->len; i++)
      if (!read_shard (scrub, g_array_index (names, PmssStoreEntry, i).name))
        return FALSE;
  }
}

static gboolean
read_all (PmssScrub * scrub)
{
  guint folder = scrub->mark.after[0] ?
      pmss_store_folder_of (scrub->mark.after) : 0;

  for (; folder < PMSS_STORE_FOLDERS; folder++)
    if (!read_folder (scrub, folder))
      return FALSE;
  return TRUE;
}

static void
begin_pass (PmssScrub * scrub)
{
  const PmssScrubMark begin = {.start = now_in_seconds () };

  g_mutex_lock (&scrub->lock);
  scrub->mark = begin;
  scrub->stats.pass_start = begin.start;
  scrub->stats.progress = 0;
  g_mutex_unlock (&scrub->lock);
  g_info ("scrub: a pass begins");
}

/* After all that was found was told. */
static void
end_pass (PmssScrub * scrub)
{
  const PmssScrubMark *mark = &scrub->mark;
  g_autofree char *size = g_format_size_full (mark->bytes,
      G_FORMAT_SIZE_IEC_UNITS);

  g_mutex_lock (&scrub->lock);
  scrub->mark.finished = TRUE;
  scrub->stats.progress = 1;
  g_mutex_unlock (&scrub->lock);
  store_mark (scrub);
  g_message ("scrub: %" G_GUINT64_FORMAT " shards (%s) were read through in %"
      G_GINT64_FORMAT " s; bad: %" G_GUINT64_FORMAT, mark->shards, size,
      now_in_seconds () - mark->start, mark->bad);
}

/* Until the store has counted its shards nobody knows how much there is to read. */
static gboolean
wait_for_count (PmssScrub * scrub)
{
  PmssStoreUsage usage;

  for (;;) {
    pmss_store_get_usage (scrub->store, &usage);
    if (usage.known)
      return TRUE;
    if (!wait_until (scrub, g_get_monotonic_time () + SHORT_WAIT))
      return FALSE;
  }
}

/* A pass that is over has the rest of its period free. */
static gboolean
wait_for_pass (PmssScrub * scrub)
{
  while (scrub->mark.finished) {
    gint64 now = now_in_seconds ();
    gint64 left = scrub->mark.start + scrub->period - now;

    if (left <= 0 || scrub->mark.start > now)
      break;
    if (!wait_until (scrub, g_get_monotonic_time ()
            + MIN (left * G_USEC_PER_SEC, LONG_WAIT)))
      return FALSE;
  }
  if (scrub->mark.finished || scrub->mark.start == 0)
    begin_pass (scrub);
  return TRUE;
}

static gpointer
run (gpointer data)
{
  PmssScrub *scrub = data;

  /* Viewers' reads go first. Where this is not allowed, or has no meaning, the rate is little enough. */
  syscall (SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
  if (!wait_for_count (scrub))
    return NULL;
  while (wait_for_pass (scrub) && read_all (scrub) && wait_for_room (scrub, 0))
    end_pass (scrub);
  return NULL;
}

PmssScrub *
pmss_scrub_new (PmssStore * store, const char *folder, guint period,
    gboolean report)
{
  PmssScrub *scrub = g_new0 (PmssScrub, 1);

  scrub->store = store;
  scrub->folder = g_strdup (folder);
  scrub->period = period;
  scrub->report = report;
  g_mutex_init (&scrub->lock);
  g_cond_init (&scrub->cond);
  g_queue_init (&scrub->findings);
  pmss_scrub_mark_load (folder, &scrub->mark);
  scrub->stats.pass_start = scrub->mark.start;
  scrub->stored_at = g_get_monotonic_time ();
  scrub->thread = pmss_daemon_thread_new ("scrub", run, scrub);
  return scrub;
}

void
pmss_scrub_free (PmssScrub * scrub)
{
  g_mutex_lock (&scrub->lock);
  scrub->stop = TRUE;
  g_cond_broadcast (&scrub->cond);
  g_mutex_unlock (&scrub->lock);
  g_thread_join (scrub->thread);
  if (scrub->mark.start != 0)
    store_mark (scrub);
  g_queue_clear_full (&scrub->findings,
      (GDestroyNotify) pmss_scrub_finding_free);
  g_cond_clear (&scrub->cond);
  g_mutex_clear (&scrub->lock);
  g_free (scrub->folder);
  g_free (scrub);
}

void
pmss_scrub_get_stats (PmssScrub * scrub, PmssScrubStats * stats)
{
  g_mutex_lock (&scrub->lock);
  *stats = scrub->stats;
  g_mutex_unlock (&scrub->lock);
}

/* --- telling control --- */

/* The first of the queue: nobody but this thread removes any. */
static guint
peek (PmssScrub * scrub, PmssScrubFinding * first[MAX_TOLD])
{
  guint n = 0;

  g_mutex_lock (&scrub->lock);
  for (GList * item = scrub->findings.head; item && n < MAX_TOLD;
      item = item->next)
    first[n++] = item->data;
  g_mutex_unlock (&scrub->lock);
  return n;
}

static void
drop (PmssScrub * scrub, PmssScrubFinding * finding)
{
  g_mutex_lock (&scrub->lock);
  g_queue_remove (&scrub->findings, finding);
  g_cond_broadcast (&scrub->cond);
  g_mutex_unlock (&scrub->lock);
  pmss_scrub_finding_free (finding);
}

static gboolean
is_still_there (PmssScrub * scrub, const PmssScrubFinding * finding)
{
  PmssStoreStamp now;

  return pmss_store_get_stamp (scrub->store, finding->name, &now)
      && pmss_store_stamp_equal (&now, &finding->stamp);
}

static void
add_finding (JsonBuilder * builder, const PmssScrubFinding * finding)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "shard");
  json_builder_add_string_value (builder, finding->name);
  json_builder_set_member_name (builder, "kind");
  json_builder_add_string_value (builder,
      finding->unreadable ? "unreadable" : "damaged");
  json_builder_set_member_name (builder, "rows");
  if (!finding->rows) {
    json_builder_add_null_value (builder);
  } else {
    json_builder_begin_array (builder);
    for (guint i = 0; i < finding->rows->len; i++)
      json_builder_add_int_value (builder,
          g_array_index (finding->rows, guint32, i));
    json_builder_end_array (builder);
  }
  json_builder_end_object (builder);
}

JsonNode *
pmss_scrub_get_findings (PmssScrub * scrub)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  PmssScrubFinding *first[MAX_TOLD];
  guint n = peek (scrub, first), rows = 0;

  scrub->told = 0;
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++) {
    if (!is_still_there (scrub, first[i])) {
      drop (scrub, first[i]);
      continue;
    }
    rows += first[i]->rows ? first[i]->rows->len : 0;
    if (scrub->told > 0 && rows > MAX_ROWS_TOLD)
      break;
    add_finding (builder, first[i]);
    scrub->told++;
  }
  json_builder_end_array (builder);
  return scrub->told > 0 ? json_builder_get_root (builder) : NULL;
}

gboolean
pmss_scrub_forget_findings (PmssScrub * scrub)
{
  PmssScrubFinding *first[MAX_TOLD];
  guint n = peek (scrub, first), told = MIN (scrub->told, n);

  for (guint i = 0; i < told; i++)
    drop (scrub, first[i]);
  scrub->told = 0;
  return n > told;
}
