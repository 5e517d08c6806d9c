/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include <libpmss/client/pmss-client.h>

G_BEGIN_DECLS

/**
 * PmssCli:
 *
 * The context of every command of `pmss`. Owned by main(). The main thread only, but for
 * @cancellable, which the signal thread cancels.
 */
typedef struct
{
  char *server;                 /* --server, nullable */
  char *ca_file;                /* --ca-file, nullable */
  gboolean json;                /* --json */
  GCancellable *cancellable;    /* cancelled by SIGINT, SIGTERM and SIGHUP */
  /* exit status of a command that succeeds, and says something by it */
  int status;
} PmssCli;

/* One command, or one verb of a command. argv[0] is its own name. FALSE: @error has the cause and,
 * by its code, the exit status. */
typedef gboolean (*PmssCliFunc) (PmssCli *cli, int argc, char **argv, GError **error);

typedef struct
{
  const char *name;
  PmssCliFunc run;
  const char *parameters;       /* for the list in --help */
  const char *summary;
} PmssCliCommand;

/* Runs the command of @commands (ended by a NULL name) that argv[1] names; without one, or with
 * --help, prints the list. @intro: the beginning of the help. */
gboolean pmss_cli_dispatch (PmssCli *cli, const PmssCliCommand *commands, const char *intro,
    int argc, char **argv, GError **error);

/* A command's options, for pmss_cli_parse(). */
typedef struct
{
  const char *parameters;       /* "FILE NAME" */
  const char *summary;
  const char *description;      /* the examples */
  int min_arguments;
  int max_arguments;            /* -1: any number */
} PmssCliUsage;

/* Takes --server, --ca-file and --json that stand before the command out of argv. */
gboolean pmss_cli_parse_leading (PmssCli *cli, int *argc, char ***argv, GError **error);

/* Parses options (@entries, --server, --ca-file, --json, --help) out of argv and checks how many
 * arguments stay: argv[1] and on. */
gboolean pmss_cli_parse (PmssCli *cli, const PmssCliUsage *usage, const GOptionEntry *entries,
    int *argc, char ***argv, GError **error);

/* A number as an argument, of a @what: "job". Something else is an error of usage. */
gboolean pmss_cli_parse_id (const char *text, const char *what, guint64 *id, GError **error);

typedef gboolean (*PmssCliEachFunc) (PmssCli *cli, const char *name, gpointer user_data,
    GError **error);
/* Does @func for each of @names. After a failure it tries the others, too. Errors are printed as
 * they come, but for the last, which is returned. */
gboolean pmss_cli_for_each (PmssCli *cli, char **names, int n, PmssCliEachFunc func,
    gpointer user_data, GError **error);

/* The control server to talk to: --server, PMSS_URL, or that of the last login. */
char *pmss_cli_find_url (PmssCli *cli, GError **error);
/* A client for @url without credentials, with --ca-file. */
PmssClient *pmss_cli_client_new (PmssCli *cli, const char *url, GError **error);
/* A client for the server to talk to, with credentials. */
PmssClient *pmss_cli_connect (PmssCli *cli, GError **error);
/* The token that goes with @url: PMSS_TOKEN or the one that `pmss login` stored; NULL with
 * NOT_AUTHORIZED when there is none. */
char *pmss_cli_find_token (const char *url, GError **error);

/* A request of its own client; for commands that make one. */
JsonNode *pmss_cli_request (PmssCli *cli, const char *method, const char *path, JsonNode *body,
    GError **error);
/* "http://h:p" from a text that people type; pmss_control_url_parse() */
char *pmss_cli_normalize_url (const char *text, GError **error);

typedef enum
{
  PMSS_CLI_ERROR_USAGE,
  PMSS_CLI_ERROR_NO_SERVER,
  PMSS_CLI_ERROR_SOFTWARE,
  PMSS_CLI_ERROR_CONFIG,        /* a file that a user may write is not as it has to be */
  PMSS_CLI_ERROR_REFUSED,       /* a password was wrong */
  PMSS_CLI_ERROR_NO_DECODER,    /* GStreamer here cannot decode it */
  PMSS_CLI_ERROR_NOT_WHOLE,     /* media were verified, and something is wrong */
  PMSS_CLI_ERROR_INTERRUPTED,   /* with more to say than that */
} PmssCliError;
#define PMSS_CLI_ERROR (pmss_cli_error_quark ())
GQuark pmss_cli_error_quark (void);

/* One of sysexits.h, or 130 for a cancellation. */
int pmss_cli_exit_code (const GError *error);
/* Prints @error and its remedy on standard error. */
void pmss_cli_print_error (const GError *error);

/* The same for programs, as one line of JSON: {"error": {"message", "exit", "hint"}}. */
void pmss_cli_print_error_json (const GError *error);
/* Prints a warning on standard error; with --json {"warning": {"message"}}. */
void pmss_cli_print_warning (PmssCli *cli, const char *text);
/* {"message", "exit", "hint"} */
JsonNode *pmss_cli_error_to_json (const GError *error);

/* The signal thread, which cancels @cancellable; a second signal ends the program at once. Call
 * before any other thread is made. */
void pmss_cli_watch_signals (GCancellable *cancellable);
/* Ends as a program does that writes to a pipe without a reader. */
void pmss_cli_end_by_sigpipe (void);
/* For a child between fork and exec: signals as they were before pmss_cli_watch_signals().
 * Async-signal-safe. */
void pmss_cli_restore_signals (gpointer unused);

/* The commands, each in the file of its name. */
gboolean pmss_cmd_login   (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_logout  (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_ls      (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_put     (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_get     (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_info    (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_mv      (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_set     (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_capacity (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_top     (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_status  (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_rm      (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_play    (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_artwork (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_verify  (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_node    (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_job     (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_session (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_link    (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_events  (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_user    (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_policy  (PmssCli *cli, int argc, char **argv, GError **error);
gboolean pmss_cmd_local   (PmssCli *cli, int argc, char **argv, GError **error);

G_END_DECLS
