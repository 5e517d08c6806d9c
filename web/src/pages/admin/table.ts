// SPDX-License-Identifier: LGPL-2.1-or-later
// The administrators' pages: each is one file, loaded when it is gone to, and has one line here.
import type { FunctionComponent } from 'preact';
import type { Role } from '../../api/types';
import type { AdminName } from '../../i18n/admin-names';
import type { IconName } from '../../parts/icon';

export interface AdminPageProps {
  /** What follows the page's path, decoded: "/admin/media/films/a.webm" -> "films/a.webm". */
  rest: string;
}

export interface AdminPage {
  /** /admin/PATH and below it */
  path: string;
  name: AdminName;
  icon: IconName;
  role: Role;
  load: () => Promise<{ default: FunctionComponent<AdminPageProps> }>;
}

export const adminPath = (path: string): string => `/admin/${path}`;

export const ADMIN_PAGES: readonly AdminPage[] = [
  { path: 'overview', name: 'overview', icon: 'overview', role: 'operator', load: () => import('./overview') },
  { path: 'monitoring', name: 'monitoring', icon: 'chart', role: 'operator', load: () => import('./monitoring') },
  { path: 'media', name: 'media', icon: 'media', role: 'operator', load: () => import('./media') },
  { path: 'nodes', name: 'nodes', icon: 'nodes', role: 'operator', load: () => import('./nodes') },
  { path: 'jobs', name: 'jobs', icon: 'jobs', role: 'operator', load: () => import('./jobs') },
  { path: 'policies', name: 'policies', icon: 'layers', role: 'operator', load: () => import('./policies') },
  { path: 'sessions', name: 'sessions', icon: 'sessions', role: 'operator', load: () => import('./sessions') },
  { path: 'users', name: 'users', icon: 'users', role: 'admin', load: () => import('./users') },
  { path: 'clients', name: 'clients', icon: 'clients', role: 'operator', load: () => import('./clients') },
  { path: 'events', name: 'events', icon: 'events', role: 'operator', load: () => import('./events') },
];
