// SPDX-License-Identifier: LGPL-2.1-or-later
// The address of the page as a signal. Links are plain <a href>: a click on one that stays on this
// server changes the address without a reload. Each entry of the history keeps its scroll position.
import { signal } from '@preact/signals';
import { isPagePath } from './paths';

export interface Place {
  /** Not decoded. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** Of the history's entry: the same again on Back. */
  key: string;
  /** Where the page was scrolled to when it was left; 0 for a new one. */
  scroll: number;
}

interface Entry {
  key: string;
  scroll: number;
}

/** "+" is a plus: the server reads queries by RFC 3986. */
export function parseQuery(text: string): Record<string, string> {
  const query: Record<string, string> = {};
  for (const pair of text.replace(/^\?/, '').split('&')) {
    const [name, value = ''] = pair.split('=', 2);
    if (!name) continue;
    try {
      query[decodeURIComponent(name)] = decodeURIComponent(value);
    } catch {
      /* not ours: left out */
    }
  }
  return query;
}

export function makeQuery(query: Record<string, string | number | undefined | null>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  if (pairs.length === 0) return '';
  return '?' + pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value as string)}`).join('&');
}

/** "films/a b.webm" -> "films/a%20b.webm" */
export function encodeName(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}

export function decodeName(path: string): string {
  try {
    return path.split('/').map(decodeURIComponent).join('/');
  } catch {
    return path;
  }
}

function newKey(): string {
  return Math.random().toString(36).slice(2, 12);
}

function readPlace(): Place {
  let entry = history.state as Entry | null;
  if (!entry?.key) {
    entry = { key: newKey(), scroll: 0 };
    history.replaceState(entry, '');
  }
  return { path: location.pathname, query: parseQuery(location.search), key: entry.key, scroll: entry.scroll };
}

export const place = signal<Place>({ path: '/', query: {}, key: '', scroll: 0 });

function rememberScroll(): void {
  const entry = history.state as Entry | null;
  if (entry?.key) history.replaceState({ ...entry, scroll: Math.round(scrollY) }, '');
}

export function navigate(to: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState({ key: newKey(), scroll: 0 } satisfies Entry, '', to);
  } else {
    rememberScroll();
    history.pushState({ key: newKey(), scroll: 0 } satisfies Entry, '', to);
  }
  place.value = readPlace();
}

/** The query changes while the page stays as it is: what is typed, how it is sorted. */
export function replaceQuery(query: Record<string, string | undefined>): void {
  const entry = history.state as Entry | null;
  history.replaceState({ key: entry?.key ?? newKey(), scroll: 0 } satisfies Entry, '', location.pathname + makeQuery(query));
  place.value = readPlace();
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = (event.target as Element).closest('a');
  if (!anchor || anchor.target || anchor.hasAttribute('download') || anchor.origin !== location.origin) return;
  if (!isPagePath(anchor.pathname)) return;
  event.preventDefault();
  if (anchor.href !== location.href) navigate(anchor.pathname + anchor.search + anchor.hash);
}

export function startRouter(): void {
  history.scrollRestoration = 'manual';
  place.value = readPlace();
  addEventListener('popstate', () => {
    place.value = readPlace();
  });
  // leaving by Back: the entry that is left is no longer the present one when popstate comes
  let due = 0;
  addEventListener('scroll', () => {
    clearTimeout(due);
    due = window.setTimeout(rememberScroll, 120);
  }, { passive: true });
  addEventListener('pagehide', rememberScroll);
  document.addEventListener('click', onClick);
}
