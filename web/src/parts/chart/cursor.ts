// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the keys take a cursor: in a row of points, and in the rows and columns of a heat map.

const PAGE = 10;

/** Among @count places. null: the cursor goes away; undefined: the key is for somebody else. */
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

export interface Spot {
  row: number;
  column: number;
}

const DOWN: Readonly<Record<string, string>> = { ArrowUp: 'ArrowLeft', ArrowDown: 'ArrowRight', PageUp: 'PageUp', PageDown: 'PageDown' };

/** As moveCursor; a key that there is no cursor yet for brings it to the newest point of the first row. */
export function moveSpot(key: string, spot: Spot | null, rows: number, columns: number): Spot | null | undefined {
  const from = spot ?? { row: 0, column: columns - 1 };
  const down = DOWN[key];
  if (!spot && key !== 'Escape') return down || moveCursor(key, null, columns) !== undefined ? from : undefined;
  const to = moveCursor(down ?? key, down ? from.row : from.column, down ? rows : columns);
  if (to === null || to === undefined) return to;
  return down ? { ...from, row: to } : { ...from, column: to };
}
