// SPDX-License-Identifier: LGPL-2.1-or-later
// The frame around every page of who is signed in: bar, navigation, notes, content.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { connected } from '../api/client';
import { chooseLanguage, language, LANGUAGES, t, type Language } from '../i18n';
import { en } from '../i18n/en';
import { ko } from '../i18n/ko';
import { ADMIN_PAGES, adminPath } from '../pages/admin/table';
import { adminTexts } from '../i18n/admin-names';
import { Icon, type IconName } from '../parts/icon';
import { Menu } from '../parts/menu';
import { Toasts } from '../parts/toast';
import { place } from './router';
import { mayAct, me, signOut } from './session';
import { theme, type Theme } from './theme';

function isCurrent(path: string): boolean {
  const here = place.value.path;
  if (path === '/library') return here === '/' || ['/library', '/about/', '/watch/'].some((start) => here.startsWith(start));
  return here === path || here.startsWith(`${path}/`);
}

function NavLink({ to, icon, children }: { to: string; icon: IconName; children: string }) {
  return (
    <li>
      <a href={to} class="nav-link" aria-current={isCurrent(to) ? 'page' : undefined}>
        <Icon name={icon} />
        <span>{children}</span>
      </a>
    </li>
  );
}

function Navigation() {
  const pages = ADMIN_PAGES.filter((page) => mayAct(page.role));
  return (
    <nav class="navigation" aria-label={t.value.navigation}>
      <ul>
        <NavLink to="/library" icon="library">{t.value.library}</NavLink>
      </ul>
      {pages.length > 0 && (
        <>
          <p class="nav-heading" id="nav-administration">{t.value.administration}</p>
          <ul aria-labelledby="nav-administration">
            {pages.map((page) => (
              <NavLink key={page.path} to={adminPath(page.path)} icon={page.icon}>{adminTexts.value[page.name]}</NavLink>
            ))}
          </ul>
        </>
      )}
    </nav>
  );
}

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

function AccountMenu() {
  const names: Record<Theme, string> = { system: t.value.themeSystem, light: t.value.themeLight, dark: t.value.themeDark };
  const languages: Record<Language, string> = { en: en.languageName, ko: ko.languageName };
  if (!me.value) return null;
  return (
    <Menu class="account-menu" icon="account" label={t.value.account} text={me.value.user}>
      <div class="menu-head">
        <strong>{me.value.user}</strong>
        <span>{t.value.roles[me.value.role]}</span>
      </div>
      <a href="/account" class="menu-item">{t.value.account}</a>
      <fieldset class="menu-choice">
        <legend>{t.value.appearance}</legend>
        <div class="segments">
          {THEMES.map((one) => (
            <button key={one} type="button" aria-pressed={theme.value === one} onClick={() => { theme.value = one; }}>{names[one]}</button>
          ))}
        </div>
      </fieldset>
      <fieldset class="menu-choice">
        <legend>{t.value.language}</legend>
        <div class="segments">
          {LANGUAGES.map((one) => (
            <button key={one} type="button" lang={one} aria-pressed={language.value === one} onClick={() => chooseLanguage(one)}>{languages[one]}</button>
          ))}
        </div>
      </fieldset>
      <button type="button" class="menu-item" onClick={() => void signOut()}>{t.value.signOut}</button>
    </Menu>
  );
}

/** The navigation of narrow windows, over the page. */
function Drawer({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="drawer" aria-label={t.value.navigation} onClose={onClose}
      onClick={(event) => { if (event.target === dialog.current) onClose(); }}>
      <button type="button" class="icon-button" aria-label={t.value.closeMenu} onClick={onClose}><Icon name="close" /></button>
      <Navigation />
    </dialog>
  );
}

export function ConnectionNote() {
  return (
    <div class="connection" role="status">
      {!connected.value && <p><span class="spinner" aria-hidden="true" />{t.value.lostConnection}</p>}
    </div>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const path = place.value.path;
  const wide = mayAct('operator');
  useEffect(() => setOpen(false), [path]);
  return (
    <div class={wide ? 'shell with-sidebar' : 'shell'}>
      <a class="skip-link" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus(); }}>
        {t.value.skipToContent}
      </a>
      <header class="bar">
        {wide && (
          <button type="button" class="icon-button menu-button" aria-label={t.value.menu} aria-expanded={open} onClick={() => setOpen(true)}>
            <Icon name="menu" />
          </button>
        )}
        <a href="/library" class="brand"><Brand /><span>{t.value.product}</span></a>
        <div class="bar-space" id="bar-space" />
        <AccountMenu />
      </header>
      {wide && <aside class="sidebar"><Navigation /></aside>}
      {open && <Drawer onClose={() => setOpen(false)} />}
      <main id="content" tabIndex={-1}>{children}</main>
      <ConnectionNote />
      <Toasts />
    </div>
  );
}

export function Brand() {
  return (
    <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 9h3v14H9zM14 11.500h3v9h-3z" opacity=".7" />
      <path d="M19 10.500v11l7-5.500z" />
    </svg>
  );
}
