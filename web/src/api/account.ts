// SPDX-License-Identifier: LGPL-2.1-or-later
// The account of who is signed in: sign-in, password, logins, links.
import { call, get } from './client';
import type { Link, Login, Me } from './types';

export const signIn = (user: string, password: string): Promise<Me> =>
  call<Me>('POST', '/sign-in', { body: { user, password }, ownErrors: true });

export const signOut = (): Promise<void> => call('POST', '/logout', { ownErrors: true });

export const getMe = (): Promise<Me> => call<Me>('GET', '/me', { ownErrors: true });

export const changePassword = (user: string, old_password: string, password: string): Promise<void> =>
  call('PUT', `/users/${encodeURIComponent(user)}/password`, { body: { password, old_password } });

export const listLogins = async (): Promise<Login[]> => (await get<{ logins: Login[] }>('/me/logins')).logins;
export const endLogin = (id: string): Promise<void> => call('DELETE', `/me/logins/${id}`);
export const endOtherLogins = (): Promise<void> => call('DELETE', '/me/logins');

export const listLinks = async (): Promise<Link[]> => (await get<{ links: Link[] }>('/links')).links;
export const makeLink = (medium: string, lifetime: number): Promise<Link> => call<Link>('POST', '/links', { body: { medium, lifetime } });
export const removeLink = (id: number): Promise<void> => call('DELETE', `/links/${id}`);
