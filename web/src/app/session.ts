// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is signed in in this browser.
import { effect, signal } from '@preact/signals';
import { getMe, signOut as askSignOut } from '../api/account';
import { Problem, reconnections, signedOut } from '../api/client';
import type { Me, Role } from '../api/types';

/** undefined: not known yet; null: nobody. */
export const me = signal<Me | null | undefined>(undefined);

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export function mayAct(as: Role): boolean {
  return me.value != null && RANK[me.value.role] >= RANK[as];
}

/** A path of this server, or "/": never another site. */
export function safeNext(next: string | undefined): string {
  if (!next || !next.startsWith('/') || next.startsWith('//') || next.includes('\\')) return '/';
  return next;
}

export function signInPath(): string {
  const here = location.pathname + location.search;
  return here === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`;
}

export async function loadMe(): Promise<void> {
  try {
    me.value = await getMe();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) me.value = null;
    else if (error instanceof Problem && error.status === 0) return;
    else throw error;
  }
}

/** The whole page is loaded anew: nothing of the one who was signed in stays in memory. */
export async function signOut(): Promise<void> {
  try {
    await askSignOut();
  } finally {
    location.assign('/sign-in');
  }
}

export function startSession(): void {
  void loadMe();
  effect(() => {
    if (reconnections.value > 0 && me.peek() === undefined) void loadMe();
  });
  effect(() => {
    if (signedOut.value > 0 && me.peek() !== null) me.value = null;
  });
}
