// SPDX-License-Identifier: LGPL-2.1-or-later
// Icons: one path each on a grid of 24, drawn in the colour of the text.

const PATHS = {
  account: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.500 8c.6-3.600 3.700-5.500 7.500-5.500s6.900 1.900 7.500 5.500',
  alert: 'M12 9v4.500m0 3v.01M10.300 4.500 3 17.500A2 2 0 0 0 4.700 20.500h14.600a2 2 0 0 0 1.700-3L13.700 4.500a2 2 0 0 0-3.400 0Z',
  back: 'm14.500 6-6 6 6 6',
  chart: 'M4 4v16h16M7.500 15l4-5 3 3 5-7',
  check: 'm5 12.500 4.500 4.500L19 7.500',
  chevron: 'm9.500 6 6 6-6 6',
  clients: 'M4 5h16v11H4zm5 15h6m-3-4v4',
  close: 'm6 6 12 12M18 6 6 18',
  copy: 'M9 9h10v11H9zM6 15H5V4h10v2',
  down: 'm6 9.500 6 6 6-6',
  events: 'M9 6h11M9 12h11M9 18h11M4.500 6v.01M4.500 12v.01M4.500 18v.01',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12Zm9.500 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z',
  file: 'M6.500 3.500h7l4.500 4.500v12.500h-11.500zm7 0v4.500h4.500',
  film: 'M4 5h16v14H4zM8 5v14M16 5v14M4 9.700h4m8 0h4M4 14.300h4m8 0h4',
  folder: 'M3.500 6.500a1.500 1.500 0 0 1 1.500-1.500h4l2 2.500h8a1.500 1.500 0 0 1 1.500 1.500v8.500a1.500 1.500 0 0 1-1.500 1.500H5a1.500 1.500 0 0 1-1.500-1.500Z',
  info: 'M12 11v5.500m0-9v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  jobs: 'M12 7v5l3.500 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  layers: 'm12 4 8.500 4.500L12 13 3.500 8.500zm-8.500 8.500L12 17l8.500-4.500M3.500 16 12 20.500 20.500 16',
  library: 'M4 4.500h3v15H4zm5 0h3v15H9zm5.500.800 2.900-.8 4 14.500-2.900.8z',
  link: 'M10 14a4 4 0 0 0 5.700 0l3.100-3.100a4 4 0 0 0-5.700-5.700L12 6.300M14 10a4 4 0 0 0-5.700 0l-3.100 3.100a4 4 0 0 0 5.700 5.700L12 17.700',
  lock: 'M6 11h12v9H6zm2 0V8a4 4 0 0 1 8 0v3',
  media: 'M4 5h16v14H4zm6 4v6l5-3z',
  menu: 'M4 6.500h16M4 12h16M4 17.500h16',
  music: 'M9 18V5.500l10-2V16M9 18a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0Zm10-2a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0Z',
  nodes: 'M4 4.500h16v6H4zm0 9h16v6H4zM8 7.500v.01M8 16.500v.01',
  overview: 'M4 4h7v9H4zm9 0h7v5h-7zm0 7h7v9h-7zm-9 4h7v5H4z',
  play: 'M7 4.500v15l12.500-7.500z',
  picture: 'M4 5h16v14H4zm0 11 5-5 4 4 2.500-2.500L20 17M15.500 9v.01',
  search: 'M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13Zm5-1.500 5 5',
  sessions: 'M3 12h4l3-8 4.500 16 3-8H21',
  table: 'M4 5h16v14H4zm0 4.700h16M4 14.300h16M10 5v14',
  upload: 'M12 16V4.500m-5 5 5-5 5 5M4 16v3.500h16V16',
  users: 'M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM2.500 19.500c.5-3.300 3.200-5 6.500-5s6 1.700 6.500 5M15.500 4.800a3.500 3.500 0 0 1 0 6.400M18 14.900c2 .7 3.200 2.300 3.500 4.600',
} as const;

export type IconName = keyof typeof PATHS;

interface Props {
  name: IconName;
  /** Filled instead of outlined. */
  solid?: boolean;
}

/** Decoration: what it means has to be said beside it, or in the label of its button. */
export function Icon({ name, solid }: Props) {
  return (
    <svg class={solid ? 'icon solid' : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
