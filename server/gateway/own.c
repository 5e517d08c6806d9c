/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shards that are on this server's disk. On the reader's I/O thread, which never waits for the disk:
 * what is not in the kernel's memory a thread of a pool has brought there. */
#define _GNU_SOURCE             /* preadv2() */
#include "own.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

/* A disk that hangs holds no more. Requests that wait for one of them are late, as those of a slow
 * node are, and others rebuild what they were to bring. */
#define MAX_THREADS 4
/* A file system that keeps nothing in memory is read as it comes after so many fetches of a byte. */
#define MAX_FETCHES 3
#define SHARDS "/v1/shards/"
#define BEARER "Bearer "

typedef struct
{
  PmssTransport transport;
  PmssTransport *inner;
  PmssOwnShards *shards;
  GMainContext *context;
  GThreadPool *pool;            /* of Work */
} OwnTransport;

/*
 * What the pool does for a request, which may be gone by then.
 *
 *   begin() ──▶ a thread opens the shard, or fetches bytes ──▶ done, the source wakes the request
 *
 * The fields are the thread's between begin() and `done`, and the request's else.
 */
typedef struct
{
  gatomicrefcount references;
  atomic_bool done;
  GSource *source;              /* the request's */
  char *name;
  char *token;
  int fd;                       /* -1: not opened yet, or not opened */
  guint64 size;
  guint status;                 /* HTTP's, as if it were asked; 0: not opened yet */
  guint64 first, length;        /* to be fetched */
  gboolean failed;              /* the disk did not give them */
} Work;

typedef struct
{
  PmssRequest request;
  const PmssRequestFuncs *funcs;
  gpointer user_data;
  OwnTransport *own;
  Work *work;
  GSource *source;              /* calls answered() and readable() */
  gboolean answered, cancelled;
  gboolean blocked;             /* the next bytes have to be fetched, */
  guint fetches;                /* and were so often */
  guint64 first, length;        /* that were asked for */
  guint64 at;                   /* of the next byte */
} OwnRequest;

/* --- In the pool --- */

static void
work_unref (Work * work)
{
  if (!g_atomic_ref_count_dec (&work->references))
    return;
  if (work->fd >= 0)
    close (work->fd);
  g_source_unref (work->source);
  g_free (work->name);
  g_free (work->token);
  g_free (work);
}

static guint
get_status (const GError * error)
{
  if (error->domain != PMSS_ERROR)
    return 500;
  switch (error->code) {
    case PMSS_ERROR_NOT_AUTHORIZED:
      return 401;
    case PMSS_ERROR_FORBIDDEN:
      return 403;
    case PMSS_ERROR_NOT_FOUND:
      return 404;
    case PMSS_ERROR_MISDIRECTED:
      return 421;
    case PMSS_ERROR_BUSY:
      return 503;
    default:
      return 500;
  }
}

static gboolean
check_access (PmssOwnShards * shards, const Work * work, GError ** error)
{
  PmssWanted wanted = {.op = PMSS_TOKEN_READ,.shard = work->name };
  PmssVersionId version;
  guint32 extent;
  guint index;

  if (!pmss_shard_name_parse (work->name, &version, &extent, &index)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "that is not a shard's name");
    return FALSE;
  }
  wanted.version = &version;
  return pmss_access_check (shards->access, work->token, &wanted, error);
}

/* The beginning of what is asked for is in memory after it. */
static void
bring (PmssStore * store, const Work * work, GError ** error)
{
  guint64 length = MIN (work->length, work->size - work->first);
  gboolean cached = pmss_store_is_cached (work->fd, work->first, length);
  gint64 since = g_get_monotonic_time ();

  pmss_store_note_read (store, cached);
  if (cached)
    return;
  pmss_store_fetch (work->fd, work->first, length, error);
  pmss_store_note_wait (store, since);
}

static void
open_shard (PmssOwnShards * shards, Work * work)
{
  g_autoptr (GError) error = NULL;

  if (check_access (shards, work, &error))
    work->fd = pmss_store_open_shard (shards->store, work->name, &work->size,
        &error);
  if (work->fd >= 0 && work->first < work->size)
    bring (shards->store, work, &error);
  work->status = error != NULL ? get_status (error) : 206;
}

/* When the last byte is there, those before it most likely are, too. */
static void
fetch (Work * work)
{
  g_autoptr (GError) error = NULL;

  work->failed = !pmss_store_fetch (work->fd, work->first, work->length, &error)
      || !pmss_store_fetch (work->fd, work->first + work->length - 1, 1,
      &error);
  if (work->failed)
    g_message ("%s: %s", work->name, error->message);
}

static void
run_work (gpointer data, gpointer user_data)
{
  Work *work = data;
  OwnTransport *own = user_data;

  if (work->status == 0)
    open_shard (own->shards, work);
  else
    fetch (work);
  atomic_store (&work->done, TRUE);
  g_source_set_ready_time (work->source, 0);
  work_unref (work);
}

/* --- A request --- */

static void
begin_work (OwnRequest * self, guint64 first, guint64 length)
{
  Work *work = self->work;

  work->first = first;
  work->length = length;
  atomic_store (&work->done, FALSE);
  g_atomic_ref_count_inc (&work->references);
  g_thread_pool_push (self->own->pool, work, NULL);
}

static void
fill_head (OwnRequest * self, PmssHead * head)
{
  const Work *work = self->work;

  head->status = work->status;
  head->phrase = "from this server's own disk";
  head->direct = TRUE;
  if (work->status != 206)
    return;
  /* a shard that is too short has another range, as over HTTP */
  head->has_range = head->has_length = TRUE;
  head->first = self->first;
  head->last = MIN (self->first + self->length, work->size) - 1;
  head->length = head->last + 1 - head->first;
}

static void
answer (OwnRequest * self)
{
  g_autoptr (GError) error = NULL;
  PmssHead head = { 0 };

  if (!self->cancelled && !atomic_load (&self->work->done))
    return;
  self->answered = TRUE;
  if (self->cancelled)
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
        "it is not wanted any more");
  else
    fill_head (self, &head);
  self->funcs->answered (&self->request, error == NULL ? &head : NULL, error,
      self->user_data);
}

static gboolean
on_ready (gpointer data)
{
  OwnRequest *self = data;

  g_source_set_ready_time (self->source, -1);
  if (!self->answered)
    answer (self);
  else if (self->cancelled || atomic_load (&self->work->done))
    self->funcs->readable (&self->request, self->user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch (GSource * source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSource *
make_source (OwnRequest * self, gint priority)
{
  static GSourceFuncs funcs = {.dispatch = dispatch };
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_priority (source, priority);
  g_source_set_callback (source, on_ready, self, NULL);
  g_source_attach (source, self->own->context);
  return source;
}

static PmssRequest *
own_start (PmssTransport * transport, const PmssRange * range,
    const PmssRequestFuncs * funcs, gpointer user_data)
{
  OwnRequest *self = g_new0 (OwnRequest, 1);
  Work *work = g_new0 (Work, 1);

  self->request.funcs = transport->funcs;
  self->funcs = funcs;
  self->user_data = user_data;
  self->own = (OwnTransport *) transport;
  self->first = self->at = range->first;
  self->length = range->length;
  self->source = make_source (self, range->priority);
  self->work = work;
  g_atomic_ref_count_init (&work->references);
  work->source = g_source_ref (self->source);
  work->fd = -1;
  work->name = g_strdup (range->path + strlen (SHARDS));
  work->token = g_strdup (range->authorization + strlen (BEARER));
  begin_work (self, range->first, range->length);
  return &self->request;
}

static gssize
would_block (GError ** error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
      "not in memory yet");
  return -1;
}

/* A file system that cannot tell whether it would wait has to be taken as it comes. */
static gssize
read_now (OwnRequest * self, void *memory, gsize size)
{
  const struct iovec where = { memory, size };
  int fd = self->work->fd;
  gssize n;

  do {
    n = preadv2 (fd, &where, 1, self->at, RWF_NOWAIT);
    if (n < 0 && (errno == EOPNOTSUPP || (errno == EAGAIN
                && self->fetches >= MAX_FETCHES)))
      n = pread (fd, memory, size, self->at);
  } while (n < 0 && errno == EINTR);
  return n;
}

static gssize
own_read (PmssRequest * request, void *memory, gsize size, GError ** error)
{
  OwnRequest *self = (OwnRequest *) request;
  Work *work = self->work;
  gssize n;

  if (!atomic_load (&work->done))
    return would_block (error);
  n = work->failed ? -1 : read_now (self, memory,
      MIN (size, self->first + self->length - self->at));
  if (n < 0 && !work->failed && errno == EAGAIN) {
    self->blocked = TRUE;
    return would_block (error);
  }
  if (n < 0) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
        "this server's disk does not give the shard");
    return -1;
  }
  self->at += n;
  self->fetches = 0;
  atomic_fetch_add (&self->own->shards->bytes, n);
  return n;
}

static void
own_wait (PmssRequest * request, gsize bytes, gboolean more)
{
  OwnRequest *self = (OwnRequest *) request;

  if (!atomic_load (&self->work->done))
    return;
  if (!self->blocked) {
    g_source_set_ready_time (self->source, 0);
    return;
  }
  self->blocked = FALSE;
  self->fetches++;
  begin_work (self, self->at, MAX (1, MIN (bytes,
              self->first + self->length - self->at)));
}

/* What is there is read at once. */
static void
own_set_low_water (PmssRequest * request, gsize bytes)
{
}

static void
own_set_priority (PmssRequest * request, gint priority)
{
  g_source_set_priority (((OwnRequest *) request)->source, priority);
}

static void
own_cancel (PmssRequest * request)
{
  OwnRequest *self = (OwnRequest *) request;

  self->cancelled = TRUE;
  g_source_set_ready_time (self->source, 0);
}

static void
own_free (PmssRequest * request, gboolean whole)
{
  OwnRequest *self = (OwnRequest *) request;

  g_source_destroy (self->source);
  g_source_unref (self->source);
  work_unref (self->work);
  g_free (self);
}

static void
inner_probe (PmssTransport * transport, GUri * base, const char *peer,
    guint timeout, GCancellable * cancellable, PmssProbeFunc func,
    gpointer user_data)
{
  pmss_transport_probe (((OwnTransport *) transport)->inner, base, peer,
      timeout, cancellable, func, user_data);
}

/* --- The transport --- */

static gboolean
is_own (OwnTransport * own, const PmssRange * range)
{
  return g_str_has_prefix (range->path, SHARDS)
      && g_str_has_prefix (range->authorization, BEARER)
      && pmss_self_is_at (own->shards->self, g_uri_get_host (range->base),
      (guint16) g_uri_get_port (range->base),
      g_str_equal (g_uri_get_scheme (range->base), "https"));
}

/* Requests of the inner transport have its functions. */
static PmssRequest *
start (PmssTransport * transport, const PmssRange * range,
    const PmssRequestFuncs * funcs, gpointer user_data)
{
  OwnTransport *own = (OwnTransport *) transport;

  return is_own (own, range) ? own_start (transport, range, funcs, user_data)
      : pmss_request_start (own->inner, range, funcs, user_data);
}

static const PmssTransportFuncs own_funcs = {
  .start = start,.read = own_read,.wait = own_wait,.set_low_water =
      own_set_low_water,.set_priority = own_set_priority,.cancel =
      own_cancel,.free = own_free,.probe = inner_probe
};

static PmssTransport *
own_transport_new (PmssTransport * inner, GMainContext * context,
    gpointer shards)
{
  OwnTransport *own = g_new0 (OwnTransport, 1);

  own->transport.funcs = &own_funcs;
  own->transport.loop = inner->loop;
  own->inner = inner;
  own->shards = shards;
  own->context = g_main_context_ref (context);
  own->pool = g_thread_pool_new (run_work, own, MAX_THREADS, FALSE, NULL);
  return &own->transport;
}

static void
own_transport_free (PmssTransport * transport)
{
  OwnTransport *own = (OwnTransport *) transport;

  g_thread_pool_free (own->pool, FALSE, TRUE);
  g_main_context_unref (own->context);
  g_free (own);
}

const PmssTransportWrap pmss_own_transport = {
  own_transport_new, own_transport_free
};
