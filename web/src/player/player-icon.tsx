// SPDX-License-Identifier: LGPL-2.1-or-later
// Icons of the player, as those of parts/icon.tsx; loaded with it.

const PATHS = {
  play: 'M7 4.500v15l12.500-7.500z',
  pause: 'M8 5v14M16 5v14',
  replay: 'M4.500 12a7.500 7.500 0 1 0 2.400-5.500M4.500 4v4h4',
  back10: 'M11 6 7 9.500 11 13M7 9.500h7a4.500 4.500 0 0 1 0 9H9',
  forward10: 'm13 6 4 3.500-4 3.500M17 9.500h-7a4.500 4.500 0 0 0 0 9h5',
  volume: 'M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11',
  muted: 'M4 9.500v5h3.500L12 18.500v-13L7.500 9.500zM16 9.500l5 5m0-5-5 5',
  subtitles: 'M3.500 5.500h17v13h-17zM7 12h4m2 0h4M7 15.500h7',
  speed: 'M12 14.500 16 9M4.500 17.500a9 9 0 1 1 15 0',
  picture: 'M3.500 5.500h17v13h-17zM12 12h6v4.500h-6z',
  full: 'M9 4.500H4.500V9M15 4.500h4.500V9M9 19.500H4.500V15M15 19.500h4.500V15',
  window: 'M4.500 9H9V4.500M19.500 9H15V4.500M4.500 15H9v4.500M19.500 15H15v4.500',
  keys: 'M3 7h18v10H3zM6.500 10.500v.01M10 10.500v.01M13.500 10.500v.01M17 10.500v.01M8 13.800h8',
} as const;

export function PlayerIcon({ name, solid }: { name: keyof typeof PATHS; solid?: boolean }) {
  return (
    <svg class={solid ? 'icon solid' : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
