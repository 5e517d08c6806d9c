/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Landlock, seccomp and limits for pmss-probe; called once, in its only thread. */
#define _GNU_SOURCE             /* O_PATH, CLONE_THREAD */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define MAX_MEMORY (G_GUINT64_CONSTANT (4) << 30)
#define MAX_FILES 256
#define MAX_FILE (1 << 20)

/* Rights that the kernel headers of Debian 12 do not know yet. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ_TREE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* Where the libraries are that plugins need; a folder that is absent is left out. */
static const char *const library_folders[] = {
  "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
};

/* What demuxers, parsers and decoders need of the kernel. A name that this architecture does not have is left out. Not here, on purpose: execve, fork, kill, socket
 * and all that follows from it, ptrace, and whatever changes a file by its name. */
static const char *const allowed_calls[] = {
  /* descriptors that are open, files that Landlock lets be opened */
  "read", "pread64", "readv", "preadv", "write", "writev", "lseek", "_llseek",
  "close", "dup", "fcntl", "fcntl64", "fadvise64", "arm_fadvise64_64",
  "readahead", "open", "openat", "getdents", "getdents64", "stat", "lstat",
  "fstat", "fstat64", "newfstatat", "fstatat64", "statx", "statfs", "fstatfs",
  "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd",
  /* memory */
  "brk", "mmap", "mmap2", "mprotect", "mremap", "munmap", "madvise",
  "memfd_create", "ftruncate", "membarrier", "mincore", "mlock",
  "get_mempolicy",
  /* threads and signals of this process */
  "futex", "futex_time64", "set_robust_list", "get_robust_list", "rseq",
  "set_tid_address", "gettid", "getpid", "exit", "exit_group", "sched_yield",
  "sched_getaffinity", "sched_getparam", "sched_getscheduler", "getcpu",
  "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending",
  "sigaltstack", "restart_syscall", "arch_prctl",
  /* time and waiting */
  "clock_gettime", "clock_gettime64", "clock_getres", "clock_nanosleep",
  "clock_nanosleep_time64", "nanosleep", "gettimeofday", "time", "poll",
  "ppoll", "ppoll_time64", "select", "pselect6", "epoll_create1", "epoll_ctl",
  "epoll_wait", "epoll_pwait", "eventfd2", "pipe", "pipe2", "timerfd_create",
  "timerfd_settime",
  /* what is asked of oneself */
  "getrandom", "getrusage", "sysinfo", "uname", "times", "getuid", "geteuid",
  "getgid", "getegid", "getresuid", "getresgid",
};

static gboolean
fail (GError ** error, int code, const char *what)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
      "the probe cannot be confined, and looks at no file without that: "
      "%s: %s", what, g_strerror (code));
  return FALSE;
}

/* Limits */

static void
limit (int resource, rlim_t value)
{
  struct rlimit l = { value, value };

  if (setrlimit (resource, &l) != 0)
    g_warning ("setrlimit %d: %s", resource, g_strerror (errno));
}

static void
set_limits (guint seconds)
{
  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_NOFILE, MAX_FILES);
  limit (RLIMIT_CPU, seconds * 2);
  /* files in memory, which RLIMIT_AS does not count: those of compilers of loops are small */
  limit (RLIMIT_FSIZE, MAX_FILE);
  if (!SANITIZED)
    limit (RLIMIT_AS, MAX_MEMORY);
}

/* Where memory runs out the kernel shall end this process, not the server that waits for it. Best effort: /proc may be absent. */
static void
be_first_to_go (void)
{
  int fd = g_open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);

  if (fd < 0 || write (fd, "1000", 4) != 4)
    g_info ("oom_score_adj: %s", g_strerror (errno));
  if (fd >= 0)
    close (fd);
}

/* Files */

static gboolean
allow_path (int ruleset, const char *path, guint64 rights, GError ** error)
{
  struct landlock_path_beneath_attr rule = {.allowed_access = rights };
  long status;

  rule.parent_fd = g_open (path, O_PATH | O_CLOEXEC, 0);
  if (rule.parent_fd < 0)
    return errno == ENOENT || errno == ENOTDIR ? TRUE
        : fail (error, errno, path);
  status = syscall (SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
      &rule, 0);
  if (status != 0)
    fail (error, errno, path);
  close (rule.parent_fd);
  return status == 0;
}

static gboolean
allow_folders (int ruleset, char **folders, GError ** error)
{
  for (char **folder = folders; folder && *folder; folder++)
    if (**folder == '/' && !allow_path (ruleset, *folder, READ_TREE, error))
      return FALSE;
  return TRUE;
}

/* The folders of the plugins that the registry knows, each once. */
static char **
list_plugin_folders (void)
{
  GList *plugins = gst_registry_get_plugin_list (gst_registry_get ());
  g_autoptr (GHashTable) folders =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  char **list;

  for (GList * l = plugins; l; l = l->next)
    if (gst_plugin_get_filename (l->data))
      g_hash_table_add (folders,
          g_path_get_dirname (gst_plugin_get_filename (l->data)));
  gst_plugin_list_free (plugins);
  list = (char **) g_hash_table_get_keys_as_array (folders, NULL);
  g_hash_table_steal_all (folders);
  return list;
}

static gboolean
allow_files (int ruleset, const char *path, GError ** error)
{
  g_auto (GStrv) plugins = list_plugin_folders ();
  g_auto (GStrv) preferred =
      g_strsplit (g_getenv ("LD_LIBRARY_PATH") ? : "", ":", -1);

  for (guint i = 0; i < G_N_ELEMENTS (library_folders); i++)
    if (!allow_path (ruleset, library_folders[i], READ_TREE, error))
      return FALSE;
  return allow_path (ruleset, "/etc/ld.so.cache", READ_FILE, error)
      && allow_folders (ruleset, plugins, error)
      && allow_folders (ruleset, preferred, error)
      && allow_path (ruleset, path, READ_FILE, error);
}

/* All that this kernel's Landlock knows. */
static guint64
all_rights (long abi)
{
  guint64 rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

  if (abi >= 2)
    rights |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3)
    rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
  if (abi >= 5)
    rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
  return rights;
}

static gboolean
confine_files (const char *path, GError ** error)
{
  long abi = syscall (SYS_landlock_create_ruleset, NULL, 0,
      LANDLOCK_CREATE_RULESET_VERSION);
  struct landlock_ruleset_attr attr = { 0 };
  gboolean done;
  int ruleset;

  if (abi < 1)
    return fail (error, errno, "this kernel has no Landlock, or something "
        "keeps it from this process");
  attr.handled_access_fs = all_rights (abi);
  ruleset = syscall (SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
  if (ruleset < 0)
    return fail (error, errno, "landlock_create_ruleset");
  done = allow_files (ruleset, path, error);
  if (done && syscall (SYS_landlock_restrict_self, ruleset, 0) != 0)
    done = fail (error, errno, "landlock_restrict_self");
  close (ruleset);
  return done;
}

/* System calls */

static int
allow_calls (scmp_filter_ctx filter)
{
  int status = 0;

  for (guint i = 0; status == 0 && i < G_N_ELEMENTS (allowed_calls); i++) {
    int call = seccomp_syscall_resolve_name (allowed_calls[i]);

    if (call != __NR_SCMP_ERROR)
      status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, call, 0);
    /* a call that is none of this architecture */
    if (status == -EDOM || status == -EINVAL)
      status = 0;
  }
  return status;
}

/* Threads, but no processes: clone3() hides its flags from a filter, and the C library goes back to clone() where it is absent. A signal may go to this process
 * alone: abort() sends one. */
static int
allow_threads (scmp_filter_ctx filter)
{
  int status = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS),
      SCMP_SYS (clone3), 0);

  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (clone), 1,
        SCMP_A0 (SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (tgkill), 1,
        SCMP_A0 (SCMP_CMP_EQ, (scmp_datum_t) getpid ()));
  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (prctl), 1,
        SCMP_A0 (SCMP_CMP_EQ, PR_SET_NAME));
  /* how GStreamer wakes its own threads: two ends in one process */
  if (status == 0)
    status = seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (socketpair), 1,
        SCMP_A0 (SCMP_CMP_EQ, AF_UNIX));
  return status;
}

static gboolean
confine_calls (GError ** error)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  int status;

  if (!filter)
    return fail (error, ENOMEM, "seccomp_init");
  status = seccomp_attr_set (filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (status == 0)
    status = allow_calls (filter);
  if (status == 0)
    status = allow_threads (filter);
  if (status == 0)
    status = seccomp_load (filter);
  seccomp_release (filter);
  return status == 0 ? TRUE : fail (error, -status, "seccomp");
}

/* What was taken is tried: a confinement that holds nothing back is none. */
static gboolean
check_confined (GError ** error)
{
  int fd = g_open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

  if (fd < 0)
    return TRUE;
  close (fd);
  return fail (error, ENOTSUP, "Landlock without effect");
}

gboolean
probe_confine (const char *path, guint seconds, GError ** error)
{
  set_limits (seconds);
  be_first_to_go ();
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail (error, errno, "no_new_privs");
  if (SANITIZED)
    return TRUE;
  return confine_files (path, error) && confine_calls (error)
      && check_confined (error);
}
