/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss put */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-amount.h>
#include <libpmss/pmss-error.h>
#include <libpmss/pmss-types.h>

#include "cli-progress.h"
#include "cli-text.h"
#include "cli.h"
#include "put-list.h"
#include "putting.h"
#include "transfers.h"

/* How many files are on their way at once. A small one waits for fsyncs and for the nodes most of the time; large ones share the line. */
#define TRANSFERS 16
#define MAX_TRANSFERS 64

static const PmssCliUsage usage = {
  "FILE… [NAME]",
  "Uploads files, waits until they are striped, and compares checksums.",
  "Without NAME a medium is called as its file. A NAME that ends with / is a\n"
      "prefix; with several files it has to be one. FILE - is standard input, which\n"
      "needs a NAME. An upload that was broken off goes on when the same command is\n"
      "given again; a file that is there already is compared and left alone.\n"
      "With --recursive a folder stands for all files in it, and NAME is a prefix:\n"
      "the folder's own name comes behind it, unless the folder ends with /.\n\n"
      "Examples:\n"
      "  pmss put sintel.webm films/sintel.webm\n"
      "  pmss put sintel.webm films/ --title Sintel --redundancy 4+2\n"
      "  pmss put master.mov masters/ --keep-original --no-wait\n"
      "  pmss put *.webm films/\n"
      "  pmss put --recursive season1 series/     as series/season1/…\n"
      "  pmss put --recursive season1/ series/    as series/…\n"
      "  ffmpeg -i in.mov -f webm - | pmss put - films/out.webm",
  1, -1
};

typedef struct
{
  PmssCli *cli;
  PmssClient *client;
  PmssUploadRequest request;    /* what is the same for all files */
  gboolean wait;
  GPtrArray *items;             /* of PmssPutItem */
  guint64 total;                /* bytes of all */
  PmssPut *puts;                /* one for each item; its thread's until it has ended */
  GError **errors;              /* the same */
  PmssCliProgress *progress;
  guint n_ended, n_stored;
  int last_failed;              /* index; -1: none */
} Putting;

/* --- telling --- */

static void
report_job (const char *name, guint64 job)
{
  g_autofree char *shown = pmss_cli_escape (name);

  printf ("%s: uploaded; 'pmss job watch %" G_GUINT64_FORMAT
      "' shows how it is striped.\n", shown, job);
}

static void
report (const PmssPut * put, const char *name)
{
  g_autofree char *shown = pmss_cli_escape (name);
  g_autofree char *human = pmss_cli_size (put->size);
  g_autofree char *redundancy = NULL;

  if (!put->medium) {
    report_job (name, put->job);
    return;
  }
  redundancy = pmss_cli_escape (pmss_cli_json_string (json_node_get_object
          (put->medium), "redundancy"));
  printf ("%s: %s%s stored as %s, SHA-256 as the file's.\n", shown,
      put->twin ? "there already: " : "", human, redundancy);
}

static void
set_number (JsonObject * object, const char *name, guint64 number)
{
  if (number)
    json_object_set_int_member (object, name, (gint64) number);
  else
    json_object_set_null_member (object, name);
}

/* One of several files, for programs. */
static JsonObject *
describe (const Putting * self, guint i)
{
  const PmssPutItem *item = g_ptr_array_index (self->items, i);
  const PmssPut *put = &self->puts[i];
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "file", item->file);
  json_object_set_string_member (object, "name", item->name);
  set_number (object, "job", put->job);
  json_object_set_boolean_member (object, "there_already", put->twin);
  json_object_set_member (object, "medium", put->medium ?
      json_node_ref (put->medium) : json_node_new (JSON_NODE_NULL));
  json_object_set_member (object, "error", self->errors[i] ?
      pmss_cli_error_to_json (self->errors[i]) :
      json_node_new (JSON_NODE_NULL));
  return object;
}

static void
print_json (const Putting * self)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < self->items->len; i++)
    json_array_add_object_element (array, describe (self, i));
  json_object_set_array_member (object, "put", array);
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}

/* --- one file --- */

static gboolean
put_item (guint i, gpointer user_data, GError ** error)
{
  Putting *self = user_data;
  const PmssPutItem *item = g_ptr_array_index (self->items, i);
  PmssUploadRequest request = self->request;
  g_autoptr (PmssCliProgress) progress = self->items->len == 1 ?
      pmss_cli_progress_new (self->cli->json) :
      pmss_cli_progress_new_part (self->progress);

  request.file = item->file;
  request.name = item->name;
  return pmss_put_run (self->cli, self->client, &request, self->wait,
      progress, &self->puts[i], error);
}

/* What the next file would meet, too. */
static gboolean
concerns_all (const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE) ||
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TLS) ||
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED) ||
      g_error_matches (error, PMSS_ERROR, PMSS_ERROR_FORBIDDEN) ||
      pmss_cli_exit_code (error) == 130;
}

/* Errors are told as they come, but for the one of the last file: main() tells that. */
static void
note_error (Putting * self, int i, GError * error)
{
  int told = MIN (i, self->last_failed);

  self->errors[i] = error;
  if (told >= 0 && !self->cli->json)
    pmss_cli_print_error (self->errors[told]);
  self->last_failed = MAX (i, self->last_failed);
}

static gboolean
item_ended (guint i, GError * error, gpointer user_data)
{
  Putting *self = user_data;
  const PmssPutItem *item = g_ptr_array_index (self->items, i);

  self->n_ended++;
  pmss_cli_progress_clear (self->progress);
  if (error != NULL) {
    note_error (self, (int) i, error);
    return !concerns_all (error);
  }
  self->n_stored++;
  if (!self->cli->json)
    report (&self->puts[i], item->name);
  return TRUE;
}

static void
show_progress (gpointer user_data)
{
  Putting *self = user_data;

  if (self->items->len > 1)
    pmss_cli_progress_update_parts (self->progress, self->n_ended,
        self->items->len, self->total);
}

/* --- all --- */

/* What there is to say at the end of several. @begun: how many were tried. */
static void
conclude (Putting * self, guint begun)
{
  guint n = self->items->len;

  if (self->cli->json || n == 1)
    return;
  if (self->n_stored == n)
    printf ("All %u files are %s.\n", n, self->wait ? "stored" : "uploaded");
  else
    fprintf (stderr, "%s: %u of %u files are %s, %u failed, %u were not "
        "tried; the same command goes on\n", g_get_prgname (), self->n_stored,
        n, self->wait ? "stored" : "uploaded", begun - self->n_stored,
        n - begun);
}

static gboolean
put_all (Putting * self, guint parallel, GError ** error)
{
  static const PmssTransferFuncs funcs = { put_item, item_ended,
    show_progress
  };
  guint n = self->items->len, begun;

  self->puts = g_new0 (PmssPut, n);
  self->errors = g_new0 (GError *, n);
  self->progress = pmss_cli_progress_new (self->cli->json);
  self->last_failed = -1;
  for (guint i = 0; i < n; i++)
    self->total += ((PmssPutItem *) g_ptr_array_index (self->items, i))->size;
  begun =
      pmss_transfers_run (n, parallel, &funcs, self, self->cli->cancellable);
  pmss_cli_progress_clear (self->progress);
  conclude (self, begun);
  if (self->last_failed >= 0) {
    g_propagate_error (error, g_error_copy (self->errors[self->last_failed]));
    return FALSE;
  }
  return !g_cancellable_set_error_if_cancelled (self->cli->cancellable, error);
}

static void
clear_putting (Putting * self)
{
  for (guint i = 0; self->puts && i < self->items->len; i++) {
    pmss_put_clear (&self->puts[i]);
    g_clear_error (&self->errors[i]);
  }
  g_free (self->puts);
  g_free (self->errors);
  g_clear_pointer (&self->progress, pmss_cli_progress_free);
  g_clear_pointer (&self->items, g_ptr_array_unref);
  g_clear_object (&self->client);
}

/* One file, named as such, is told of by its medium; several as a list. */
static gboolean
run (Putting * self, guint parallel, gboolean recursive, GError ** error)
{
  gboolean stored;

  stored = put_all (self, parallel, error);
  if (!self->cli->json)
    return stored;
  if (recursive || self->items->len != 1)
    print_json (self);
  else if (stored && self->puts[0].medium)
    pmss_cli_json_print (self->puts[0].medium);
  else if (stored)
    printf ("{ \"job\" : %" G_GUINT64_FORMAT " }\n", self->puts[0].job);
  return stored;
}

/* Without a login nothing is sent. */
static PmssClient *
connect_with_login (PmssCli * cli, GError ** error)
{
  g_autofree char *url = pmss_cli_find_url (cli, error);
  g_autofree char *token =
      url != NULL ? pmss_cli_find_token (url, error) : NULL;

  return token != NULL ? pmss_cli_connect (cli, error) : NULL;
}

/* The last argument is the name, if there are several. */
static gboolean
find_name (int *n_files, char **files, gboolean recursive, const char **name,
    GError ** error)
{
  if (*n_files > 1)
    *name = files[--*n_files];
  for (int i = 0; i < *n_files; i++) {
    if (g_str_equal (files[i], "-") && (!*name || *n_files > 1 ||
            g_str_has_suffix (*name, "/"))) {
      g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
          "Standard input needs a whole NAME of its own: "
          "pmss put - films/sintel.webm");
      return FALSE;
    }
  }
  if (*n_files == 1 || recursive || g_str_has_suffix (*name, "/"))
    return TRUE;
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
      "Several files need a prefix that ends with / as the last argument, "
      "and “%s” is none", *name);
  return FALSE;
}

static gboolean
check_options (const char *redundancy, int transfers, GError ** error)
{
  g_autoptr (GError) local = NULL;
  PmssRedundancy parsed;

  if (redundancy != NULL
      && !pmss_redundancy_parse (redundancy, &parsed, &local))
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "--redundancy %s: %s", redundancy, local->message);
  else if (transfers < 1 || transfers > MAX_TRANSFERS)
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "--transfers %d is not from 1 to %d", transfers, MAX_TRANSFERS);
  else
    return TRUE;
  return FALSE;
}

static GPtrArray *
make_list (PmssCli * cli, int argc, char **argv, gboolean recursive,
    GError ** error)
{
  g_autoptr (GPtrArray) skipped = NULL;
  const char *name = NULL;
  int n_files = argc - 1;
  GPtrArray *items;

  if (!find_name (&n_files, argv + 1, recursive, &name, error))
    return NULL;
  items = pmss_put_list_make (argv + 1, (guint) n_files, name, recursive,
      &skipped, error);
  for (guint i = 0; items && i < skipped->len; i++) {
    g_autofree char *text = g_strdup_printf ("left out: %s is not a regular "
        "file", (char *) g_ptr_array_index (skipped, i));

    pmss_cli_print_warning (cli, text);
  }
  return items;
}

/* "512KiB" in digits; NULL stays NULL. */
static gboolean
parse_size (const char *option, char **text, GError ** error)
{
  guint64 bytes;

  if (*text == NULL)
    return TRUE;
  if (!pmss_amount_parse (*text, &bytes, NULL)) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "%s “%s” is not a size like 512KiB", option, *text);
    return FALSE;
  }
  g_free (*text);
  *text = g_strdup_printf ("%" G_GUINT64_FORMAT, bytes);
  return TRUE;
}

static gboolean
check_original (const PmssUploadRequest * request, GError ** error)
{
  if (!request->keep_original || !request->drop_original)
    return TRUE;
  g_set_error_literal (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
      "--keep-original and --drop-original contradict each other");
  return FALSE;
}

gboolean
pmss_cmd_put (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *redundancy = NULL;
  g_autofree char *title = NULL, *unit = NULL, *extent = NULL;
  gboolean no_wait = FALSE, recursive = FALSE, stored;
  int transfers = TRANSFERS;
  Putting putting = { cli };
  const GOptionEntry entries[] = {
    {"redundancy", 'r', 0, G_OPTION_ARG_STRING, &redundancy,
        "Data and parity shards (the server's default)", "K+M"},
    {"title", 't', 0, G_OPTION_ARG_STRING, &title, "A title to show", "TEXT"},
    {"keep-original", 0, 0, G_OPTION_ARG_NONE, &putting.request.keep_original,
        "Keep the file whole on the control server, too", NULL},
    {"drop-original", 0, 0, G_OPTION_ARG_NONE, &putting.request.drop_original,
        "Do not keep it, whatever a policy says", NULL},
    {"unit", 0, 0, G_OPTION_ARG_STRING, &unit, "Stripe unit", "SIZE"},
    {"extent", 0, 0, G_OPTION_ARG_STRING, &extent, "Extent size", "SIZE"},
    {"no-wait", 0, 0, G_OPTION_ARG_NONE, &no_wait,
        "Do not wait until it is striped", NULL},
    {"recursive", 'R', 0, G_OPTION_ARG_NONE, &recursive,
        "Upload all files in folders", NULL},
    {"transfers", 0, 0, G_OPTION_ARG_INT, &transfers,
        "At most N files at once (16)", "N"},
    {NULL}
  };

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error) ||
      !check_options (redundancy, transfers, error) ||
      !check_original (&putting.request, error) ||
      !parse_size ("--unit", &unit, error) ||
      !parse_size ("--extent", &extent, error))
    return FALSE;
  putting.items = make_list (cli, argc, argv, recursive, error);
  putting.client = putting.items ? connect_with_login (cli, error) : NULL;
  putting.request.redundancy = redundancy;
  putting.request.title = title;
  putting.request.unit = unit;
  putting.request.extent = extent;
  putting.wait = putting.request.hash = !no_wait;
  stored = putting.client && run (&putting, (guint) transfers, recursive,
      error);
  clear_putting (&putting);
  return stored;
}
