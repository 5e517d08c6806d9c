/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-rebuilder.h"

/* The thread that all rebuilders share: it is there as long as one of them is. */
typedef struct
{
  GThread *thread;
  GCond changed;                /* there is a job, or one is done, or the end */
  PmssRebuilder *running;       /* (nullable): whose job is being done */
  gboolean ended;
  gboolean is_left;             /* it frees all this itself */
} Worker;

struct _PmssRebuilder
{
  PmssLoop *loop;
  PmssErasure *erasure;
  PmssRebuilderFunc done;
  gpointer user_data;
  PmssAlarm *turn;              /* (nullable): without a thread */
};

typedef struct
{
  PmssRebuilder *rebuilder;
  PmssRowJob *job;
} Item;

static GMutex lock;             /* protects what follows, and the worker */
static GQueue items = G_QUEUE_INIT;     /* of Item */
static Worker *worker;          /* NULL: none, or the system gives none for now */
static guint n_rebuilders;
static gboolean told;           /* that it gives none */

/* In a worker's thread: that worker. */
static GPrivate own = G_PRIVATE_INIT (NULL);

static void
worker_free (Worker * self)
{
  g_cond_clear (&self->changed);
  g_free (self);
}

static void
do_item (Item * item)
{
  PmssRebuilder *self = item->rebuilder;

  pmss_row_job_run (item->job, self->erasure);
  self->done (item->job, self->user_data);
  g_free (item);
}

static gpointer
run (gpointer user_data)
{
  Worker *self = user_data;
  gboolean is_left;
  Item *item;

  g_private_set (&own, self);
  g_mutex_lock (&lock);
  while (!self->ended) {
    item = g_queue_pop_head (&items);
    if (item == NULL) {
      g_cond_wait (&self->changed, &lock);
      continue;
    }
    self->running = item->rebuilder;
    g_mutex_unlock (&lock);
    /* its rebuilder may go in there */
    do_item (item);
    g_mutex_lock (&lock);
    self->running = NULL;
    g_cond_broadcast (&self->changed);
  }
  is_left = self->is_left;
  g_mutex_unlock (&lock);
  if (is_left)
    worker_free (self);
  return NULL;
}

/* Lock held. */
static void
start (void)
{
  g_autoptr (GError) error = NULL;
  Worker *self;

  if (worker != NULL)
    return;
  self = g_new0 (Worker, 1);
  g_cond_init (&self->changed);
  self->thread = g_thread_try_new ("pmss-rebuild", run, self, &error);
  if (self->thread != NULL) {
    worker = self;
  } else {
    if (!told)
      g_warning ("No thread to rebuild what is lost, which will be slower: %s",
          error->message);
    worker_free (self);
  }
  told = worker == NULL;
}

/* Lock held: takes the first job of @self. */
static Item *
take_item (PmssRebuilder * self)
{
  for (GList * link = items.head; link != NULL; link = link->next) {
    Item *item = link->data;

    if (item->rebuilder != self)
      continue;
    g_queue_delete_link (&items, link);
    return item;
  }
  return NULL;
}

/* Where the system gives no thread the loop's own rebuilds in its turns; each job tries for a
 * thread again. */
static void
work_here (gpointer user_data)
{
  PmssRebuilder *self = user_data;
  Item *item;

  g_mutex_lock (&lock);
  item = take_item (self);
  g_mutex_unlock (&lock);
  if (item == NULL)
    return;
  pmss_alarm_set (self->turn, PMSS_ALARM_NOW);
  do_item (item);
}

PmssRebuilder *
pmss_rebuilder_new (PmssLoop * loop, PmssErasure * erasure,
    PmssRebuilderFunc done, gpointer user_data)
{
  PmssRebuilder *self = g_new0 (PmssRebuilder, 1);

  self->loop = loop;
  self->erasure = pmss_erasure_ref (erasure);
  self->done = done;
  self->user_data = user_data;
  g_mutex_lock (&lock);
  n_rebuilders++;
  g_mutex_unlock (&lock);
  return self;
}

/* Lock held: what @self has pushed comes to nothing. */
static void
drop_items (PmssRebuilder * self)
{
  Item *item;

  while ((item = take_item (self)) != NULL) {
    pmss_row_job_free (item->job);
    g_free (item);
  }
}

/* Lock held. Returns: (nullable): the worker, where it is to be joined */
static Worker *
end_worker (void)
{
  Worker *self = g_steal_pointer (&worker);

  if (self == NULL)
    return NULL;
  self->ended = TRUE;
  g_cond_broadcast (&self->changed);
  self->is_left = self == g_private_get (&own);
  if (!self->is_left)
    return self;
  g_thread_unref (self->thread);
  return NULL;
}

void
pmss_rebuilder_free (PmssRebuilder * self)
{
  Worker *ended = NULL;

  g_mutex_lock (&lock);
  drop_items (self);
  while (worker != NULL && worker != g_private_get (&own)
      && worker->running == self)
    g_cond_wait (&worker->changed, &lock);
  if (--n_rebuilders == 0)
    ended = end_worker ();
  g_mutex_unlock (&lock);
  if (ended != NULL) {
    g_thread_join (ended->thread);
    worker_free (ended);
  }
  if (self->turn != NULL)
    pmss_alarm_end (self->turn);
  pmss_erasure_unref (self->erasure);
  g_free (self);
}

gboolean
pmss_rebuilder_is_own_thread (void)
{
  return g_private_get (&own) != NULL;
}

void
pmss_rebuilder_push (PmssRebuilder * self, PmssRowJob * job, gboolean first)
{
  Item *item = g_new0 (Item, 1);

  item->rebuilder = self;
  item->job = job;
  g_mutex_lock (&lock);
  if (first)
    g_queue_push_head (&items, item);
  else
    g_queue_push_tail (&items, item);
  start ();
  if (worker != NULL) {
    g_cond_broadcast (&worker->changed);
  } else {
    if (self->turn == NULL)
      self->turn = pmss_alarm_new (self->loop, work_here, self);
    pmss_alarm_set (self->turn, PMSS_ALARM_NOW);
  }
  g_mutex_unlock (&lock);
}
