// SPDX-License-Identifier: LGPL-2.1-or-later
// The names that media get from files, and what is wrong with some. Pure.

const MAX_NAME = 1024;
const MAX_COMPONENT = 255;

export type NameFault = 'empty' | 'parent' | 'long' | 'control';

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** null: it is a good name. The server has the last word. */
export function findNameFault(name: string): NameFault | null {
  const parts = name.split('/');
  if (parts.some((part) => part === '..' || part === '.')) return 'parent';
  if (parts.some((part) => part === '')) return 'empty';
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'control';
  if (bytesOf(name) > MAX_NAME || parts.some((part) => bytesOf(part) > MAX_COMPONENT)) return 'long';
  return null;
}

/** "films/" + "a.webm" -> "films/a.webm" */
export function joinName(folder: string, path: string): string {
  const start = folder.trim().replace(/^\/+|\/+$/g, '');
  return (start ? `${start}/${path}` : path).normalize('NFC');
}
