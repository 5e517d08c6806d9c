// SPDX-License-Identifier: LGPL-2.1-or-later
// The form that every language has to have: that of English.
import type { en } from './en';

/** The same members; each string may be another one, each function has the same arguments. */
export type Same<T> = {
  [K in keyof T]: T[K] extends string ? string : T[K] extends (...args: infer A) => string ? (...args: A) => string : Same<T[K]>;
};

export type Texts = Same<typeof en>;
