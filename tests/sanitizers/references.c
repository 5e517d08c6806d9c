/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "glib-tsan.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

/* Dropping a reference is an atomic decrement with both orders. */
#define UNREFS(name, type) \
  void name (type object) \
  { \
    release (object); \
    acquire (object); \
    REAL (name) (object); \
  }

/* *INDENT-OFF* */
UNREFS (g_object_unref, gpointer)
UNREFS (g_bytes_unref, GBytes *)
UNREFS (g_byte_array_unref, GByteArray *)
UNREFS (g_array_unref, GArray *)
UNREFS (g_ptr_array_unref, GPtrArray *)
UNREFS (g_hash_table_unref, GHashTable *)
UNREFS (g_variant_unref, GVariant *)
UNREFS (g_uri_unref, GUri *)
UNREFS (g_source_unref, GSource *)
UNREFS (g_main_context_unref, GMainContext *)
UNREFS (g_main_loop_unref, GMainLoop *)
UNREFS (g_atomic_rc_box_release, gpointer)
/* *INDENT-ON* */

void
g_atomic_rc_box_release_full (gpointer box, GDestroyNotify clear)
{
  release (box);
  acquire (box);
  REAL (g_atomic_rc_box_release_full) (box, clear);
}

gboolean
g_atomic_ref_count_dec (gatomicrefcount * count)
{
  gboolean last;

  release (count);
  last = REAL (g_atomic_ref_count_dec) (count);
  /* else another thread may have freed it by now, and with it TSan's notes */
  if (last)
    acquire (count);
  return last;
}

/* Whoever made the first object of a class initialised the class. */
static gboolean
class_begin (GType type)
{
  gboolean known = g_type_class_peek (type) != NULL;

  if (known)
    acquire ((gpointer) type);
  return known;
}

static void
class_end (GType type, gboolean known)
{
  if (!known)
    release ((gpointer) type);
}

GObject *
g_object_new_valist (GType type, const char *first, va_list arguments)
{
  gboolean known = class_begin (type);
  GObject *object = REAL (g_object_new_valist) (type, first, arguments);

  class_end (type, known);
  return object;
}

gpointer
g_object_new (GType type, const char *first, ...)
{
  GObject *object;
  va_list arguments;

  va_start (arguments, first);
  object = g_object_new_valist (type, first, arguments);
  va_end (arguments);
  return object;
}

GObject *
g_object_new_with_properties (GType type, guint n, const char *names[],
    const GValue values[])
{
  gboolean known = class_begin (type);
  GObject *object = REAL (g_object_new_with_properties) (type, n, names,
      values);

  class_end (type, known);
  return object;
}

void
g_weak_ref_set (GWeakRef * ref, gpointer object)
{
  release (ref);
  REAL (g_weak_ref_set) (ref, object);
}

gpointer
g_weak_ref_get (GWeakRef * ref)
{
  gpointer object = REAL (g_weak_ref_get) (ref);

  acquire (ref);
  return object;
}

void
g_cancellable_cancel (GCancellable * cancellable)
{
  if (cancellable != NULL)
    release (cancellable);
  REAL (g_cancellable_cancel) (cancellable);
}

gboolean
g_cancellable_is_cancelled (GCancellable * cancellable)
{
  gboolean cancelled = REAL (g_cancellable_is_cancelled) (cancellable);

  if (cancelled)
    acquire (cancellable);
  return cancelled;
}

gboolean
g_cancellable_set_error_if_cancelled (GCancellable * cancellable,
    GError ** error)
{
  gboolean cancelled = REAL (g_cancellable_set_error_if_cancelled)
      (cancellable, error);

  if (cancelled)
    acquire (cancellable);
  return cancelled;
}

/* --- g_free() in our code --- */

/* The modules that are built with TSan, as they were loaded at the start. */
static struct
{
  gsize begin;
  gsize end;
} ours[32];

static guint n_ours;

static gboolean
needs_tsan (const struct dl_phdr_info *info, const ElfW (Dyn) * dynamic)
{
  const char *strings = NULL;

  /* the loader has made this one an address */
  for (const ElfW (Dyn) * d = dynamic; d->d_tag != DT_NULL; d++)
    if (d->d_tag == DT_STRTAB)
      strings = (const char *) d->d_un.d_ptr;
  if ((gsize) strings <= info->dlpi_addr)
    return FALSE;
  for (const ElfW (Dyn) * d = dynamic; d->d_tag != DT_NULL; d++)
    if (d->d_tag == DT_NEEDED
        && strncmp (strings + d->d_un.d_val, "libtsan", 7) == 0)
      return TRUE;
  return FALSE;
}

static int
add_ours (struct dl_phdr_info *info, size_t size, void *data)
{
  gboolean instrumented = FALSE;

  for (guint i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
      instrumented = needs_tsan (info,
          (gpointer) (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
  for (guint i = 0; instrumented && i < info->dlpi_phnum; i++) {
    const ElfW (Phdr) * header = &info->dlpi_phdr[i];

    if (header->p_type == PT_LOAD && header->p_flags & PF_X
        && n_ours < G_N_ELEMENTS (ours)) {
      ours[n_ours].begin = info->dlpi_addr + header->p_vaddr;
      ours[n_ours].end = ours[n_ours].begin + header->p_memsz;
      n_ours++;
    }
  }
  return 0;
}

__attribute__((constructor))
     static void find_ours (void)
{
  if (__tsan_acquire)
    dl_iterate_phdr (add_ours, NULL);
}

static gboolean
is_ours (gconstpointer code)
{
  for (guint i = 0; i < n_ours; i++)
    if ((gsize) code >= ours[i].begin && (gsize) code < ours[i].end)
      return TRUE;
  return FALSE;
}

/* TSan does not look at what GLib does, but memory that our code frees through
 * GLib is memory that nobody may use any more. What libraries free it has to
 * be told to leave alone: this module, not the library, is free()'s caller. */
void
g_free (gpointer memory)
{
  if (is_ours (__builtin_return_address (0)))
    free (memory);
  else {
    if (AnnotateIgnoreWritesBegin)
      AnnotateIgnoreWritesBegin (__FILE__, __LINE__);
    REAL (g_free) (memory);
    if (AnnotateIgnoreWritesEnd)
      AnnotateIgnoreWritesEnd (__FILE__, __LINE__);
  }
}
