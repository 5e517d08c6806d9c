// SPDX-License-Identifier: LGPL-2.1-or-later
// The unfinished uploads that this browser remembers. A page cannot keep a file over a reload, so the
// file has to be picked again; what has arrived is at the server.

export interface Remembered {
  /** Of the medium. */
  name: string;
  size: number;
  /** In ms; with the size it tells the same file from another one of its name. */
  modified: number;
  /** Of the upload: "/api/v1/uploads/ID". */
  url: string;
}

const KEY = 'pmss-uploads';
const MAX = 1000;

function isRemembered(value: unknown): value is Remembered {
  const one = value as Remembered | null;
  return typeof one?.name === 'string' && typeof one.url === 'string' && Number.isFinite(one.size) && Number.isFinite(one.modified);
}

export function recall(): Remembered[] {
  try {
    const list = JSON.parse(localStorage.getItem(KEY) ?? '[]') as unknown;
    return Array.isArray(list) ? list.filter(isRemembered) : [];
  } catch {
    return [];
  }
}

function write(list: Remembered[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(list.slice(-MAX)));
  } catch {
    /* no storage: a reload then begins anew */
  }
}

export function remember(one: Remembered): void {
  write([...recall().filter((old) => old.name !== one.name), one]);
}

export function forget(name: string): void {
  write(recall().filter((old) => old.name !== name));
}
