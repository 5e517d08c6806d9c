/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection's bytes, as a stream for an engine. On the thread that polls
 * it. */
#include "pmss-http-stream.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "pmss-http-tls-private.h"

#define READ_SIZE (16 * 1024)

typedef enum
{
  STATE_HEAD,
  STATE_BODY,
  STATE_WAIT,
  STATE_ENDING,
} State;

/* What recv() and send() of the transport return besides a number of bytes. */
#define AGAIN (-1)
#define BROKEN (-2)

struct _PmssHttpStream
{
  GIOStream parent;
  GInputStream *input;
  GOutputStream *output;
  int fd;                       /* -1: closed */
  gnutls_session_t tls;
  gboolean shaken;              /* hands */
  const PmssHttpStreamFuncs *funcs;
  gpointer user_data;

  State state;
  GByteArray *ahead;            /* was read and not passed on; nullable */
  PmssHttpHeadScan scan;
  GString *canonical;           /* of it, */
  gsize passed;                 /* this was passed on; nullable */
  guint64 body_left;
  gboolean last;
  gboolean in_request;          /* the engine has some of a head, and was not done with it */
  gboolean nudged;

  GQueue words;                 /* of GBytes: last ones */
  gsize said;                   /* of the first of them */
  gboolean open;                /* more words follow */
  gboolean broken;              /* not all of them went out */
  gboolean told;                /* the end */
  gboolean drained;
  guint64 discarded;
  GSource *linger;              /* holds a reference */
  gboolean left;                /* by the engine */
};

G_DEFINE_FINAL_TYPE (PmssHttpStream, pmss_http_stream, G_TYPE_IO_STREAM)
/* --- the transport --- */
     static gssize tls_result (gssize got)
{
  if (got >= 0)
    return got;
  return got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED ? AGAIN : BROKEN;
}

/* 1: done */
static gssize
shake_hands (PmssHttpStream * self)
{
  int code;

  if (!self->tls || self->shaken)
    return 1;
  code = gnutls_handshake (self->tls);
  self->shaken = code == 0;
  if (code == 0)
    return 1;
  /* a warning, too, gives way to other connections: there may be no end of
   * them */
  return gnutls_error_is_fatal (code) ? BROKEN : AGAIN;
}

static gssize
receive (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gssize got = shake_hands (self);

  if (self->drained)
    return 0;
  if (got < 0)
    return got;
  if (self->tls) {
    got = gnutls_record_recv (self->tls, bytes, size);
    return got == GNUTLS_E_PREMATURE_TERMINATION ? 0 : tls_result (got);
  }
  do
    got = recv (self->fd, bytes, size, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  return got >= 0 ? got : errno == EAGAIN ? AGAIN : BROKEN;
}

static gssize
transmit (PmssHttpStream * self, gconstpointer bytes, gsize size)
{
  gssize sent;

  if (self->tls)
    return tls_result (gnutls_record_send (self->tls, bytes, size));
  do
    sent = send (self->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0 ? sent : errno == EAGAIN ? AGAIN : BROKEN;
}

static gboolean
set_io_error (GError ** error, int code)
{
  g_set_error_literal (error, G_IO_ERROR, code,
      code == G_IO_ERROR_WOULD_BLOCK ? "would block" : "the connection ended");
  return FALSE;
}

/* --- its end --- */

static void
really_close (PmssHttpStream * self)
{
  if (self->fd < 0)
    return;
  if (self->funcs->closed)
    self->funcs->closed (self, self->user_data);
  close (self->fd);
  self->fd = -1;
}

/* Of the first of its words. FALSE: not all went out. */
static gboolean
say_some (PmssHttpStream * self, gsize * length)
{
  GBytes *words = self->words.head->data;
  gsize size;
  const char *text = g_bytes_get_data (words, &size);
  gssize sent = 0;

  if (self->said < size)
    sent = transmit (self, text + self->said, size - self->said);
  self->broken |= sent == BROKEN;
  *length += MAX (sent, 0);
  self->said += MAX (sent, 0);
  if (self->said < size)
    return sent > 0;
  g_bytes_unref (g_queue_pop_head (&self->words));
  self->said = 0;
  return TRUE;
}

/* FALSE: not all is said yet. */
static gboolean
say_words (PmssHttpStream * self)
{
  gsize length = 0;

  while (self->words.length > 0 && say_some (self, &length));
  if (self->broken) {
    g_queue_clear_full (&self->words, (GDestroyNotify) g_bytes_unref);
    self->open = FALSE;
  }
  if (length > 0 && self->funcs->said)
    self->funcs->said (self, length, FALSE, self->user_data);
  return self->words.length == 0;
}

static void
drain (PmssHttpStream * self)
{
  char bytes[READ_SIZE];
  gssize got = 1;

  for (guint i = 0; i < 64 && got > 0; i++) {
    got = receive (self, bytes, sizeof bytes);
    self->discarded += MAX (got, 0);
    if (self->discarded > PMSS_HTTP_STREAM_DISCARD_MAX)
      got = 0;
  }
  if (got > 0 || got == AGAIN)
    return;
  self->drained = TRUE;
  self->open = FALSE;
  /* wakes the engine, where it still looks */
  shutdown (self->fd, SHUT_RDWR);
}

static void
tell_peer (PmssHttpStream * self)
{
  if (self->tls && self->shaken
      && gnutls_bye (self->tls, GNUTLS_SHUT_WR) == GNUTLS_E_AGAIN)
    return;
  self->told = TRUE;
  shutdown (self->fd, SHUT_WR);
  if (self->funcs->said && !self->broken)
    self->funcs->said (self, 0, TRUE, self->user_data);
}

static void
go_on_ending (PmssHttpStream * self)
{
  if (!say_words (self))
    return;
  if (!self->told && !self->open)
    tell_peer (self);
  if (self->told || self->open)
    drain (self);
}

static void linger (PmssHttpStream * self);

static gboolean
on_linger (gint fd, GIOCondition condition, gpointer data)
{
  PmssHttpStream *self = data;

  g_clear_pointer (&self->linger, g_source_unref);
  go_on_ending (self);
  linger (self);
  return G_SOURCE_REMOVE;
}

static void
stop_lingering (PmssHttpStream * self)
{
  if (self->linger)
    g_source_destroy (self->linger);
  g_clear_pointer (&self->linger, g_source_unref);
}

/* Goes on by itself until all is said and the peer has gone. */
static void
linger (PmssHttpStream * self)
{
  if (self->drained) {
    if (self->left)
      really_close (self);
    return;
  }
  if (self->linger)
    return;
  self->linger = g_unix_fd_source_new (self->fd,
      self->told || (self->open && self->words.length == 0) ?
      G_IO_IN : G_IO_OUT);
  g_source_set_callback (self->linger, G_SOURCE_FUNC (on_linger),
      g_object_ref (self), g_object_unref);
  g_source_attach (self->linger, g_main_context_get_thread_default ());
}

static void
begin_ending (PmssHttpStream * self, GBytes * words)
{
  self->state = STATE_ENDING;
  g_clear_pointer (&self->ahead, g_byte_array_unref);
  if (self->canonical)
    g_string_free (g_steal_pointer (&self->canonical), TRUE);
  if (words != NULL)
    g_queue_push_tail (&self->words, g_bytes_ref (words));
  go_on_ending (self);
  linger (self);
}

void
pmss_http_stream_hang_up (PmssHttpStream * self, GBytes * last_words)
{
  if (self->state != STATE_ENDING && self->fd >= 0)
    begin_ending (self, last_words);
}

void
pmss_http_stream_take_over (PmssHttpStream * self, GBytes * words)
{
  if (self->state == STATE_ENDING || self->fd < 0)
    return;
  self->open = TRUE;
  begin_ending (self, words);
}

static void
say_more (PmssHttpStream * self, GBytes * words)
{
  g_autoptr (PmssHttpStream) kept = g_object_ref (self);

  if (words != NULL)
    g_queue_push_tail (&self->words, g_bytes_ref (words));
  stop_lingering (self);
  go_on_ending (self);
  linger (self);
}

void
pmss_http_stream_say (PmssHttpStream * self, GBytes * words)
{
  if (self->open)
    say_more (self, words);
}

void
pmss_http_stream_end_words (PmssHttpStream * self, GBytes * words)
{
  if (!self->open)
    return;
  self->open = FALSE;
  say_more (self, words);
}

void
pmss_http_stream_end_request (PmssHttpStream * self)
{
  self->in_request = FALSE;
  if (self->state == STATE_HEAD || self->state == STATE_ENDING)
    return;
  if (self->last || self->body_left > 0 || self->canonical) {
    pmss_http_stream_hang_up (self, NULL);
    return;
  }
  self->state = STATE_HEAD;
  memset (&self->scan, 0, sizeof self->scan);
}

void
pmss_http_stream_set_last (PmssHttpStream * self)
{
  self->last = TRUE;
}

gboolean
pmss_http_stream_is_ending (PmssHttpStream * self)
{
  return self->fd < 0 || self->state == STATE_ENDING;
}

/* --- input --- */

static void
drop_ahead (PmssHttpStream * self, gsize size)
{
  g_byte_array_remove_range (self->ahead, 0, size);
  if (self->ahead->len == 0)
    g_clear_pointer (&self->ahead, g_byte_array_unref);
}

static void
begin_request (PmssHttpStream * self, PmssHttpHead * head, gsize head_size)
{
  drop_ahead (self, head_size);
  self->canonical = g_string_new (NULL);
  self->passed = 0;
  pmss_http_head_write (head, self->canonical);
  self->body_left = head->framing.length;
  self->last = !head->keep_alive;
  self->state = self->body_left > 0 ? STATE_BODY : STATE_WAIT;
  self->funcs->head (self, head, self->user_data);
}

/* What was read of a head. FALSE: more is needed. */
static gboolean
look_at_head (PmssHttpStream * self)
{
  const char *detail = NULL, *bytes;
  PmssHttpHead *head = NULL;
  gsize size = 0;
  guint status;

  if (!self->ahead)
    return FALSE;
  bytes = (const char *) self->ahead->data;
  status = pmss_http_head_scan (&self->scan, bytes, self->ahead->len, &size,
      &detail);
  if (!status && size == 0)
    return FALSE;
  if (!status)
    status = pmss_http_head_parse (bytes, size, &head, &detail);
  if (status) {
    self->funcs->refused (self, status, detail,
        pmss_http_head_is_head (bytes, self->ahead->len), self->user_data);
    pmss_http_stream_hang_up (self, NULL);
  } else {
    begin_request (self, head, size);
  }
  return TRUE;
}

/* As receive(); > 0: there is more of a head. */
static gssize
read_head (PmssHttpStream * self)
{
  char bytes[READ_SIZE];
  gssize got;

  if (look_at_head (self))
    return 1;
  got = receive (self, bytes, sizeof bytes);
  if (got <= 0)
    return got;
  if (!self->ahead)
    self->ahead = g_byte_array_new ();
  g_byte_array_append (self->ahead, (guint8 *) bytes, got);
  return got;
}

static gsize
pass_canonical (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gsize n = MIN (size, self->canonical->len - self->passed);

  memcpy (bytes, self->canonical->str + self->passed, n);
  self->passed += n;
  self->in_request = TRUE;
  if (self->passed == self->canonical->len)
    g_string_free (g_steal_pointer (&self->canonical), TRUE);
  return n;
}

static gssize
read_body (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gssize got = MIN (size, self->body_left);

  if (self->ahead) {
    got = MIN ((gsize) got, self->ahead->len);
    memcpy (bytes, self->ahead->data, got);
    drop_ahead (self, got);
  } else {
    got = receive (self, bytes, got);
  }
  if (got <= 0)
    return got;
  self->body_left -= got;
  if (self->body_left == 0)
    self->state = STATE_WAIT;
  if (self->funcs->body)
    self->funcs->body (self, got, self->body_left == 0, self->user_data);
  return got;
}

/* libsoup 3.2 forgets a connection, open, whose end comes where it waits for a
 * second request: to it a message begins with its first byte. So it gets one,
 * of no request, and then the end. Its answer to that goes nowhere. */
static gssize
tell_end (PmssHttpStream * self, char *bytes, gsize size, gssize end)
{
  if (self->in_request || size == 0)
    return end;
  pmss_http_stream_hang_up (self, NULL);
  /* an error instead, such as TLS has where its end was read once, would keep
   * the byte from being seen */
  if (self->nudged)
    return 0;
  self->nudged = TRUE;
  bytes[0] = '-';
  return 1;
}

static gssize
read_any (PmssHttpStream * self, gpointer bytes, gsize size)
{
  gssize got = 1;

  while (self->state == STATE_HEAD && got > 0)
    got = read_head (self);
  if (self->state == STATE_ENDING)
    return tell_end (self, bytes, size, 0);
  if (got == 0 || got == BROKEN)
    return tell_end (self, bytes, size, got);
  if (got < 0)
    return got;
  if (self->canonical)
    return pass_canonical (self, bytes, size);
  return self->state == STATE_BODY ? read_body (self, bytes, size) : AGAIN;
}

/* Whether a read has something to give without the socket. */
static gboolean
is_ready (PmssHttpStream * self)
{
  return self->fd < 0 || self->state == STATE_ENDING || self->canonical
      || (self->ahead && self->state == STATE_BODY)
      || (self->ahead && self->state == STATE_HEAD
      && self->scan.seen < self->ahead->len)
      || (self->tls && self->state != STATE_WAIT
      && gnutls_record_check_pending (self->tls) > 0);
}

/* --- the two streams, which belong to it --- */

typedef struct
{
  GInputStream parent;
  PmssHttpStream *stream;
} Input;

typedef struct
{
  GInputStreamClass parent;
} InputClass;

typedef struct
{
  GOutputStream parent;
  PmssHttpStream *stream;
} Output;

typedef struct
{
  GOutputStreamClass parent;
} OutputClass;

static void input_pollable_init (GPollableInputStreamInterface * iface);
static void output_pollable_init (GPollableOutputStreamInterface * iface);
static GType input_get_type (void);
static GType output_get_type (void);

/* *INDENT-OFF* */
G_DEFINE_TYPE_WITH_CODE (Input, input, G_TYPE_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, input_pollable_init))
G_DEFINE_TYPE_WITH_CODE (Output, output, G_TYPE_OUTPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM, output_pollable_init))
/* *INDENT-ON* */

static gssize
input_read (GInputStream * stream, void *bytes, gsize size,
    GCancellable * cancellable, GError ** error)
{
  set_io_error (error, G_IO_ERROR_NOT_SUPPORTED);
  return -1;
}

static gssize
input_read_nonblocking (GPollableInputStream * stream, void *bytes, gsize size,
    GError ** error)
{
  PmssHttpStream *self = ((Input *) stream)->stream;
  gssize got = self->fd < 0 ? 0 : read_any (self, bytes, size);

  if (got >= 0)
    return got;
  set_io_error (error, got == AGAIN ? G_IO_ERROR_WOULD_BLOCK
      : G_IO_ERROR_CONNECTION_CLOSED);
  return -1;
}

static GSource *
new_source (gpointer stream, PmssHttpStream * self, gboolean at_once,
    GIOCondition condition, GCancellable * cancellable)
{
  g_autoptr (GSource) child = NULL;

  if (at_once)
    child = g_timeout_source_new (0);
  else if (condition)
    child = g_unix_fd_source_new (self->fd, condition);
  return g_pollable_source_new_full (stream, child, cancellable);
}

/* What a read waits for: a handshake may have to write first. */
static GIOCondition
get_read_condition (PmssHttpStream * self)
{
  return self->tls && !self->shaken
      && gnutls_record_get_direction (self->tls) ? G_IO_OUT : G_IO_IN;
}

static GSource *
input_create_source (GPollableInputStream * stream, GCancellable * cancellable)
{
  PmssHttpStream *self = ((Input *) stream)->stream;

  return new_source (stream, self, is_ready (self),
      self->state == STATE_WAIT ? 0 : get_read_condition (self), cancellable);
}

static gboolean
is_polled (int fd, short events)
{
  struct pollfd poll_fd = { fd, events, 0 };

  return fd < 0 || poll (&poll_fd, 1, 0) > 0;
}

static gboolean
input_is_readable (GPollableInputStream * stream)
{
  PmssHttpStream *self = ((Input *) stream)->stream;

  return is_ready (self)
      || (self->state != STATE_WAIT && is_polled (self->fd,
          get_read_condition (self)));
}

static void
input_init (Input * self)
{
}

static void
input_class_init (InputClass * klass)
{
  ((GInputStreamClass *) klass)->read_fn = input_read;
}

static void
input_pollable_init (GPollableInputStreamInterface * iface)
{
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read_nonblocking;
}

static gssize
output_write (GOutputStream * stream, const void *bytes, gsize size,
    GCancellable * cancellable, GError ** error)
{
  set_io_error (error, G_IO_ERROR_NOT_SUPPORTED);
  return -1;
}

static gssize
output_write_nonblocking (GPollableOutputStream * stream, const void *bytes,
    gsize size, GError ** error)
{
  PmssHttpStream *self = ((Output *) stream)->stream;
  gssize sent = BROKEN;

  if (pmss_http_stream_is_ending (self)) {
    set_io_error (error, G_IO_ERROR_CLOSED);
    return -1;
  }
  sent = transmit (self, bytes, size);
  if (sent < 0) {
    set_io_error (error, sent == AGAIN ? G_IO_ERROR_WOULD_BLOCK
        : G_IO_ERROR_BROKEN_PIPE);
    return -1;
  }
  return sent;
}

static GSource *
output_create_source (GPollableOutputStream * stream,
    GCancellable * cancellable)
{
  PmssHttpStream *self = ((Output *) stream)->stream;

  return new_source (stream, self, pmss_http_stream_is_ending (self),
      G_IO_OUT, cancellable);
}

static gboolean
output_is_writable (GPollableOutputStream * stream)
{
  PmssHttpStream *self = ((Output *) stream)->stream;

  return pmss_http_stream_is_ending (self) || is_polled (self->fd, POLLOUT);
}

static void
output_init (Output * self)
{
}

static void
output_class_init (OutputClass * klass)
{
  ((GOutputStreamClass *) klass)->write_fn = output_write;
}

static void
output_pollable_init (GPollableOutputStreamInterface * iface)
{
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write_nonblocking;
}

/* --- both --- */

static GInputStream *
get_input (GIOStream * stream)
{
  return PMSS_HTTP_STREAM (stream)->input;
}

static GOutputStream *
get_output (GIOStream * stream)
{
  return PMSS_HTTP_STREAM (stream)->output;
}

static gboolean
close_stream (GIOStream * stream, GCancellable * cancellable, GError ** error)
{
  PmssHttpStream *self = PMSS_HTTP_STREAM (stream);

  self->left = TRUE;
  if (self->state != STATE_ENDING || self->drained)
    really_close (self);
  return TRUE;
}

static void
finalize (GObject * object)
{
  PmssHttpStream *self = PMSS_HTTP_STREAM (object);

  really_close (self);
  g_object_unref (self->input);
  g_object_unref (self->output);
  if (self->tls)
    gnutls_deinit (self->tls);
  g_clear_pointer (&self->ahead, g_byte_array_unref);
  g_queue_clear_full (&self->words, (GDestroyNotify) g_bytes_unref);
  if (self->canonical)
    g_string_free (self->canonical, TRUE);
  G_OBJECT_CLASS (pmss_http_stream_parent_class)->finalize (object);
}

static void
pmss_http_stream_init (PmssHttpStream * self)
{
  g_queue_init (&self->words);
  self->input = g_object_new (input_get_type (), NULL);
  self->output = g_object_new (output_get_type (), NULL);
  ((Input *) self->input)->stream = self;
  ((Output *) self->output)->stream = self;
}

static void
pmss_http_stream_class_init (PmssHttpStreamClass * klass)
{
  G_OBJECT_CLASS (klass)->finalize = finalize;
  G_IO_STREAM_CLASS (klass)->get_input_stream = get_input;
  G_IO_STREAM_CLASS (klass)->get_output_stream = get_output;
  G_IO_STREAM_CLASS (klass)->close_fn = close_stream;
}

PmssHttpStream *
pmss_http_stream_new (int fd, PmssHttpTls * tls,
    const PmssHttpStreamFuncs * funcs, gpointer user_data, GError ** error)
{
  gnutls_session_t session = tls != NULL ? pmss_http_tls_begin (tls, fd) : NULL;
  PmssHttpStream *self;

  if (tls != NULL && !session) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "no memory for TLS");
    return NULL;
  }
  self = g_object_new (PMSS_TYPE_HTTP_STREAM, NULL);
  self->fd = fd;
  self->tls = session;
  self->funcs = funcs;
  self->user_data = user_data;
  return self;
}
