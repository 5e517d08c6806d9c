// SPDX-License-Identifier: LGPL-2.1-or-later
// How much of something there is, as a bar with its words.

interface MeterProps {
  /** 0..1 */
  value: number;
  label: string;
  /** Its colour says that little is left. */
  scarce?: boolean;
}

export function Meter({ value, label, scarce }: MeterProps) {
  const share = Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0));
  return <progress class={scarce ? 'meter scarce' : 'meter'} max={1} value={share} aria-label={label} />;
}
