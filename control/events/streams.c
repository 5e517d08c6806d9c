/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events on their way to those who hear of them live. Any thread. */
#include "control/events/streams.h"

#include <string.h>

#include "control/accounts/secret.h"
#include "control/database/database.h"

/* Logins that are looked at in one call of the database. */
#define PIECE 100

/* What is remembered of an event. */
typedef struct
{
  PmssTopic topic;
  char *user;                   /* nullable */
  GBytes *text;
} Told;

struct _PmssStream
{
  PmssStreams *streams;
  PmssHttpFeed *feed;
  char *user;
  PmssRole role;
  guint topics;                 /* bits */
  GArray *nodes;                /* nullable */
  PmssLoginCheck login;
  gint64 said;                  /* monotonic: when something was sent */
};

struct _PmssStreams
{
  PmssAccounts *accounts;
  PmssDatabase *database;
  char *epoch;                  /* of this start: its numbers are no other's */
  gint64 rights;                /* tick()'s own: how often logins or roles had changed */

  GMutex lock;                  /* protects the rest; held while pieces are handed to feeds */
  guint64 number;               /* of the newest event; 0: none yet */
  Told told[PMSS_STREAM_MEMORY];        /* by number, modulo */
  GHashTable *streams;          /* set of PmssStream */
};

static void
clear_told (Told * told)
{
  g_clear_pointer (&told->user, g_free);
  g_clear_pointer (&told->text, g_bytes_unref);
}

PmssStreams *
pmss_streams_new (PmssAccounts * accounts, PmssDatabase * database)
{
  PmssStreams *self = g_new0 (PmssStreams, 1);
  g_autofree char *id = pmss_secret_new_id ();

  self->accounts = accounts;
  self->database = database;
  self->epoch = g_strndup (id, 12);
  g_mutex_init (&self->lock);
  self->streams = g_hash_table_new (NULL, NULL);
  return self;
}

void
pmss_streams_free (PmssStreams * self)
{
  g_assert (g_hash_table_size (self->streams) == 0);
  for (guint i = 0; i < PMSS_STREAM_MEMORY; i++)
    clear_told (&self->told[i]);
  g_hash_table_unref (self->streams);
  g_mutex_clear (&self->lock);
  g_free (self->epoch);
  g_free (self);
}

/* --- what is said --- */

static gboolean
may_see (const PmssStream * stream, PmssTopic topic, const char *user)
{
  if ((stream->topics & 1u << topic) == 0)
    return FALSE;
  return stream->role == PMSS_ROLE_ADMIN
      || g_strcmp0 (user, stream->user) == 0
      || (stream->role == PMSS_ROLE_OPERATOR && topic != PMSS_TOPIC_ACCOUNTS);
}

static void
say_locked (PmssStream * stream, GBytes * text)
{
  /* one that is cut leaves when its request ends */
  pmss_http_feed_send (stream->feed, text);
  stream->said = g_get_monotonic_time ();
}

/* @name, @data: nullable: then a client only learns the number. */
static GBytes *
make_text (const PmssStreams * self, guint64 number, const char *name,
    const char *data, gsize length)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "id: %s-%" G_GUINT64_FORMAT "\n", self->epoch,
      number);
  if (name != NULL) {
    g_string_append_printf (text, "event: %s\ndata: ", name);
    g_string_append_len (text, data, (gssize) length);
    g_string_append_c (text, '\n');
  }
  g_string_append_c (text, '\n');
  return g_string_free_to_bytes (text);
}

static GBytes *
make_event_text (const PmssStreams * self, const PmssEvent * event)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GBytes) data = NULL;
  gsize length;
  const char *bytes;

  pmss_event_write (event, json);
  data = pmss_json_writer_finish (json);
  bytes = g_bytes_get_data (data, &length);
  return make_text (self, self->number,
      pmss_topic_to_string (pmss_event_get_topic (event)), bytes, length);
}

void
pmss_streams_tell (PmssStreams * self, const PmssEvent * event)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  Told *told;
  GHashTableIter iter;
  gpointer stream;

  self->number++;
  told = &self->told[self->number % PMSS_STREAM_MEMORY];
  clear_told (told);
  told->topic = pmss_event_get_topic (event);
  told->user = g_strdup (event->user);
  told->text = make_event_text (self, event);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &stream, NULL))
    if (may_see (stream, told->topic, told->user))
      say_locked (stream, told->text);
}

/* --- what is said each second --- */

static gboolean
hears_load (const PmssStream * stream)
{
  return (stream->topics & PMSS_STREAM_LOAD) != 0
      && stream->role >= PMSS_ROLE_OPERATOR;
}

static void
unref_nodes (gpointer nodes)
{
  if (nodes != NULL)
    g_array_unref (nodes);
}

/* What they want to hear of, each list once: NULL is one, too. */
static GHashTable *
list_wanted (PmssStreams * self)
{
  GHashTable *wanted = g_hash_table_new_full (NULL, NULL, unref_nodes,
      (GDestroyNotify) g_bytes_unref);
  GHashTableIter iter;
  gpointer key;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    PmssStream *stream = key;

    if (hears_load (stream) && !g_hash_table_contains (wanted, stream->nodes))
      g_hash_table_insert (wanted, stream->nodes != NULL ?
          g_array_ref (stream->nodes) : NULL, NULL);
  }
  g_mutex_unlock (&self->lock);
  return wanted;
}

static GBytes *
make_load_text (const GArray * nodes, PmssLoadFunc func, gpointer user_data)
{
  g_autoptr (GBytes) data = func (nodes, user_data);
  gsize length;
  const char *bytes = g_bytes_get_data (data, &length);
  GString *text = g_string_new ("event: load\ndata: ");

  g_string_append_len (text, bytes, (gssize) length);
  g_string_append (text, "\n\n");
  return g_string_free_to_bytes (text);
}

void
pmss_streams_tell_load (PmssStreams * self, PmssLoadFunc func,
    gpointer user_data)
{
  g_autoptr (GHashTable) texts = list_wanted (self);
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, texts);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_hash_table_iter_replace (&iter, make_load_text (key, func, user_data));
  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    PmssStream *stream = key;
    GBytes *text = hears_load (stream) ? g_hash_table_lookup (texts,
        stream->nodes) : NULL;

    /* it has no number, so that `said` stays: the number is told all the same */
    if (text != NULL)
      pmss_http_feed_send (stream->feed, text);
  }
  g_mutex_unlock (&self->lock);
}

/* --- who hears it --- */

/* "EPOCH-N" of this start, whose successors are all remembered. */
static gboolean
parse_id_locked (PmssStreams * self, const char *id, guint64 * number)
{
  gsize length = strlen (self->epoch);

  return g_str_has_prefix (id, self->epoch) && id[length] == '-'
      && g_ascii_string_to_unsigned (id + length + 1, 10, 0, self->number,
      number, NULL) && self->number - *number <= PMSS_STREAM_MEMORY;
}

static void
repeat_locked (PmssStreams * self, PmssStream * stream, guint64 heard)
{
  for (guint64 n = heard + 1; n <= self->number; n++) {
    const Told *told = &self->told[n % PMSS_STREAM_MEMORY];

    if (may_see (stream, told->topic, told->user))
      say_locked (stream, told->text);
  }
}

/* `reset`: something may have been missed, and the state is to be asked for anew. */
static void
begin_locked (PmssStreams * self, PmssStream * stream, const char *last_id)
{
  guint64 heard;
  g_autoptr (GBytes) text = NULL;

  if (last_id != NULL && parse_id_locked (self, last_id, &heard)) {
    repeat_locked (self, stream, heard);
    text = make_text (self, self->number, NULL, NULL, 0);
  } else {
    text = make_text (self, self->number, last_id != NULL ? "reset" : "start",
        "{}", 2);
  }
  say_locked (stream, text);
}

PmssStream *
pmss_streams_join (PmssStreams * self, PmssHttpFeed * feed,
    const PmssUser * user, const char *login, guint topics, GArray * nodes,
    const char *last_id)
{
  PmssStream *stream = g_new0 (PmssStream, 1);

  stream->streams = self;
  stream->feed = pmss_http_feed_ref (feed);
  stream->user = g_strdup (user->name);
  stream->role = user->role;
  stream->topics = topics;
  stream->nodes = nodes;
  pmss_secret_hash (login, stream->login.hash);
  g_mutex_lock (&self->lock);
  g_hash_table_add (self->streams, stream);
  begin_locked (self, stream, last_id);
  g_mutex_unlock (&self->lock);
  return stream;
}

void
pmss_streams_leave (PmssStream * stream)
{
  PmssStreams *self = stream->streams;

  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->streams, stream);
  g_mutex_unlock (&self->lock);
  pmss_http_feed_unref (stream->feed);
  g_clear_pointer (&stream->nodes, g_array_unref);
  g_free (stream->user);
  g_free (stream);
}

guint
pmss_streams_count (PmssStreams * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return g_hash_table_size (self->streams);
}

/* --- as time goes by --- */

/* Each login once: one may have many streams. */
static GHashTable *
list_logins (PmssStreams * self)
{
  GHashTable *logins = g_hash_table_new_full (pmss_login_check_hash,
      pmss_login_check_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer stream;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &stream, NULL)) {
    const PmssLoginCheck *login = &((PmssStream *) stream)->login;

    if (!g_hash_table_contains (logins, login))
      g_hash_table_add (logins, g_memdup2 (login, sizeof (*login)));
  }
  g_mutex_unlock (&self->lock);
  return logins;
}

/* The role as it is now; NONE: the login has ended. FALSE: it could not be looked, and is looked again. */
static gboolean
check_logins (PmssStreams * self, GHashTable * logins)
{
  guint n;
  g_autofree gpointer *all = g_hash_table_get_keys_as_array (logins, &n);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i += PIECE)
    if (!pmss_accounts_check_logins (self->accounts,
            (PmssLoginCheck **) all + i, MIN (n - i, PIECE), &error)) {
      g_warning ("Cannot look at the logins of streams: %s", error->message);
      return FALSE;
    }
  return TRUE;
}

static void
end_streams (PmssStreams * self, GHashTable * logins)
{
  GHashTableIter iter;
  gpointer key;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    PmssStream *stream = key;
    const PmssLoginCheck *now = g_hash_table_lookup (logins, &stream->login);

    /* one that came meanwhile was looked at by its request */
    if (now != NULL && now->role != stream->role)
      pmss_http_feed_finish (stream->feed);
    else if (now != NULL)
      stream->login.expires = now->expires;
  }
  g_mutex_unlock (&self->lock);
}

/* Whether the time of a login is over; one that was not looked at yet counts. */
static gboolean
any_is_due (PmssStreams * self)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  GHashTableIter iter;
  gpointer stream;
  gboolean due = FALSE;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->streams);
  while (!due && g_hash_table_iter_next (&iter, &stream, NULL))
    due = ((PmssStream *) stream)->login.expires <= now;
  g_mutex_unlock (&self->lock);
  return due;
}

static void
tell_quiet (PmssStreams * self, gint64 now)
{
  g_autoptr (GBytes) text = NULL;
  GHashTableIter iter;
  gpointer stream;

  g_mutex_lock (&self->lock);
  text = make_text (self, self->number, NULL, NULL, 0);
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &stream, NULL))
    if (now - ((PmssStream *) stream)->said
        >= PMSS_STREAM_QUIET * G_USEC_PER_SEC)
      say_locked (stream, text);
  g_mutex_unlock (&self->lock);
}

void
pmss_streams_tick (PmssStreams * self, gint64 now)
{
  gint64 rights = pmss_database_get_tally (self->database, "rights", "");

  if (rights != self->rights || any_is_due (self)) {
    g_autoptr (GHashTable) logins = list_logins (self);

    if (check_logins (self, logins)) {
      self->rights = rights;
      end_streams (self, logins);
    }
  }
  tell_quiet (self, now);
}
