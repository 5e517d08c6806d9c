// SPDX-License-Identifier: LGPL-2.1-or-later
// The addresses of the pages. control/web/web-routes.c serves index.html at the same ones.

/** Each is a whole path, or, with "/" at the end, the beginning of one. */
const PAGE_PATHS = ['/', '/sign-in', '/library', '/about/', '/watch/', '/account', '/admin/'];

export function isPagePath(path: string): boolean {
  return PAGE_PATHS.some((known) => path === known || (known.length > 1 && known.endsWith('/') && path.startsWith(known)));
}
