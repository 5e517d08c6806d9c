// SPDX-License-Identifier: LGPL-2.1-or-later
// Light, dark, or as the system is; the colours are in style/tokens.css.
import { effect, signal } from '@preact/signals';
import { readPreference, resolveTheme, writePreference } from './preferences';

export type Theme = 'system' | 'light' | 'dark';

function read(): Theme {
  const chosen = readPreference('theme');
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

export const theme = signal<Theme>(read());

export function startTheme(): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    document.documentElement.dataset.theme = resolveTheme(theme.value);
  };
  effect(() => {
    writePreference('theme', theme.value === 'system' ? null : theme.value);
    apply();
  });
  system.addEventListener('change', apply);
}
