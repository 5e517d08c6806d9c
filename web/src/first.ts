// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs before anything is drawn, so that no page flashes in the wrong colours.
import { readPreference, resolveTheme } from './app/preferences';

const root = document.documentElement;
root.dataset.theme = resolveTheme(readPreference('theme'));
root.lang = readPreference('language') ?? (navigator.language.startsWith('ko') ? 'ko' : 'en');
