// SPDX-License-Identifier: LGPL-2.1-or-later
// The keys of the player: one table, which the player obeys and its help shows.

export type Action =
  | 'toggle' | 'back5' | 'forward5' | 'back10' | 'forward10' | 'frameBack' | 'frameForward' | 'start' | 'end'
  | 'louder' | 'quieter' | 'mute' | 'slower' | 'faster' | 'subtitles' | 'fullscreen' | 'picture' | 'help' | 'leave' | 'tenth';

export interface KeyLine {
  action: Action;
  /** Values of KeyboardEvent.key, letters in lower case. */
  keys: readonly string[];
  /** As they are shown. */
  shown: readonly string[];
}

export const KEYS: readonly KeyLine[] = [
  { action: 'toggle', keys: [' ', 'k'], shown: ['Space', 'K'] },
  { action: 'back5', keys: ['ArrowLeft'], shown: ['←'] },
  { action: 'forward5', keys: ['ArrowRight'], shown: ['→'] },
  { action: 'back10', keys: ['j'], shown: ['J'] },
  { action: 'forward10', keys: ['l'], shown: ['L'] },
  { action: 'frameBack', keys: [','], shown: [','] },
  { action: 'frameForward', keys: ['.'], shown: ['.'] },
  { action: 'start', keys: ['Home'], shown: ['Home'] },
  { action: 'end', keys: ['End'], shown: ['End'] },
  { action: 'tenth', keys: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'], shown: ['0', '…', '9'] },
  { action: 'louder', keys: ['ArrowUp'], shown: ['↑'] },
  { action: 'quieter', keys: ['ArrowDown'], shown: ['↓'] },
  { action: 'mute', keys: ['m'], shown: ['M'] },
  { action: 'slower', keys: ['<'], shown: ['<'] },
  { action: 'faster', keys: ['>'], shown: ['>'] },
  { action: 'subtitles', keys: ['c'], shown: ['C'] },
  { action: 'fullscreen', keys: ['f'], shown: ['F'] },
  { action: 'picture', keys: ['i'], shown: ['I'] },
  { action: 'help', keys: ['?'], shown: ['?'] },
  { action: 'leave', keys: ['Escape'], shown: ['Esc'] },
];

/** What the pressed key is for; null: it is none of ours, or another control's. */
export function actionOf(event: KeyboardEvent): Action | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const target = event.target as Element;
  if (target.closest('input, select, textarea, dialog')) return null;
  // a focused button keeps its own keys
  if ((event.key === ' ' || event.key === 'Enter') && target.closest('button, a, [role="slider"]:not(.seek)')) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return KEYS.find((line) => line.keys.includes(key))?.action ?? null;
}
