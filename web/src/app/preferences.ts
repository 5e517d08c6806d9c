// SPDX-License-Identifier: LGPL-2.1-or-later
// What a browser remembers of its user: no page depends on it.

export type Preference = 'theme' | 'language' | 'volume' | 'speed' | 'subtitles';

/** A browser may refuse storage; the preference then lasts as long as the page. */
export function readPreference(name: Preference): string | null {
  try {
    return localStorage.getItem(`pmss-${name}`);
  } catch {
    return null;
  }
}

export function writePreference(name: Preference, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`pmss-${name}`);
    else localStorage.setItem(`pmss-${name}`, value);
  } catch {
    /* as above */
  }
}

export function resolveTheme(chosen: string | null): 'light' | 'dark' {
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}
