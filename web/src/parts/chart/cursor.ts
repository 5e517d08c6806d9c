// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the keys take a cursor among @count places in a row.

const PAGE = 10;

/** null: the cursor goes away; undefined: the key is for somebody else. */
export function moveCursor(key: string, at: number | null, count: number): number | null | undefined {
  const from = at ?? count;
  const within = (index: number) => Math.min(count - 1, Math.max(0, index));
  switch (key) {
    case 'ArrowLeft': return within(from - 1);
    case 'ArrowRight': return within(at === null ? count - 1 : from + 1);
    case 'PageUp': return within(from - PAGE);
    case 'PageDown': return within(from + PAGE);
    case 'Home': return 0;
    case 'End': return count - 1;
    case 'Escape': return null;
    default: return undefined;
  }
}
