// SPDX-License-Identifier: LGPL-2.1-or-later
// Signing in, and the one-time password that has to be changed then.
import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { changePassword, signIn } from '../api/account';
import { Problem } from '../api/client';
import { asProblem } from '../api/resource';
import { place } from '../app/router';
import { loadMe, me, safeNext } from '../app/session';
import { Brand, ConnectionNote } from '../app/shell';
import { chooseLanguage, language, t } from '../i18n';
import { en } from '../i18n/en';
import { ko } from '../i18n/ko';
import { PasswordField, TextField } from '../parts/fields';
import { explainProblem, Notice, PageTitle } from '../parts/page';

/** The page is loaded anew, so that it is served for who is signed in now. */
function goOn(): void {
  location.assign(place.value.path === '/sign-in' ? safeNext(place.value.query.next) : location.href);
}

function Card({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="gate">
      <main class="card gate-card" id="content">
        <div class="gate-brand"><Brand /></div>
        <PageTitle>{title}</PageTitle>
        {children}
      </main>
      <p class="gate-foot">
        <button type="button" class="text-button" lang={language.value === 'ko' ? 'en' : 'ko'} onClick={() => chooseLanguage(language.value === 'ko' ? 'en' : 'ko')}>
          {language.value === 'ko' ? en.languageName : ko.languageName}
        </button>
      </p>
      <ConnectionNote />
    </div>
  );
}

function explainSignIn(problem: Problem): string {
  if (problem.status === 401) return t.value.wrongPassword;
  if (problem.status === 429) return t.value.tooManyTries(problem.retryAfter ?? 1);
  return explainProblem(problem);
}

export function SignInPage() {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const got = await signIn(user.trim(), password);
      if (got.one_time_password) {
        oneTime.password = password;
        await loadMe();
      } else {
        goOn();
        return;
      }
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return (
    <Card title={t.value.signInTitle}>
      <form onSubmit={(event) => void submit(event)}>
        {problem && <Notice kind="error">{explainSignIn(problem)}</Notice>}
        <TextField label={t.value.user} name="user" autocomplete="username" required autofocus value={user} onInput={setUser} />
        <PasswordField label={t.value.password} name="password" autocomplete="current-password" required value={password} onInput={setPassword} />
        <button type="submit" class="button primary wide" disabled={busy}>{t.value.signIn}</button>
      </form>
    </Card>
  );
}

/** Known while the page that it was typed into lives, so that nobody has to type it twice. */
const oneTime: { password: string | null } = { password: null };

export function OneTimePage() {
  const [old, setOld] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const known = oneTime.password;
  const submit = async (event: Event) => {
    event.preventDefault();
    if (password !== again) {
      setError(t.value.passwordsDiffer);
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await changePassword(me.value!.user, known ?? old, password);
      goOn();
    } catch (refusal) {
      setError(explainProblem(asProblem(refusal)));
      setBusy(false);
    }
  };
  return (
    <Card title={t.value.oneTimeTitle}>
      <p class="muted">{t.value.oneTimeText}</p>
      <form onSubmit={(event) => void submit(event)}>
        {error && <Notice kind="error">{error}</Notice>}
        <input type="text" class="visually-hidden" autocomplete="username" value={me.value?.user} readOnly tabIndex={-1} aria-hidden="true" />
        {known === null && <PasswordField label={t.value.oneTimePassword} autocomplete="current-password" required autofocus value={old} onInput={setOld} />}
        <PasswordField label={t.value.newPassword} name="new-password" autocomplete="new-password" required minLength={8} autofocus={known !== null}
          value={password} onInput={setPassword} hint={t.value.passwordRule} />
        <PasswordField label={t.value.repeatPassword} name="new-password-again" autocomplete="new-password" required value={again} onInput={setAgain} />
        <button type="submit" class="button primary wide" disabled={busy}>{t.value.changePassword}</button>
      </form>
    </Card>
  );
}
