// SPDX-License-Identifier: LGPL-2.1-or-later
// The language of the pages. A component that reads `t.value` is drawn anew when it changes.
import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import { readPreference, writePreference } from '../app/preferences';
import { en } from './en';
import { ko } from './ko';
import type { Same } from './texts';

export type Language = 'en' | 'ko';
export const LANGUAGES: readonly Language[] = ['en', 'ko'];

function read(): Language {
  const chosen = readPreference('language');
  if (chosen === 'en' || chosen === 'ko') return chosen;
  return navigator.language.startsWith('ko') ? 'ko' : 'en';
}

export const language = signal<Language>(read());

/** Texts of a part of the pages that brings its own: both languages, checked against English. */
export function chooseTexts<T>(english: T, korean: Same<T>): ReadonlySignal<Same<T>> {
  return computed(() => (language.value === 'ko' ? korean : (english as Same<T>)));
}

export const t = chooseTexts(en, ko);

export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  writePreference('language', chosen);
}

export function startLanguage(): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
}
