// SPDX-License-Identifier: LGPL-2.1-or-later
// One's own account: password, where one is signed in, links.
import { useState } from 'preact/hooks';
import { changePassword, endLogin, endOtherLogins, listLinks, listLogins, removeLink } from '../api/account';
import { asProblem, useResource } from '../api/resource';
import type { Login } from '../api/types';
import { encodeName } from '../app/router';
import { me } from '../app/session';
import { t } from '../i18n';
import { formatAgo, formatTime } from '../i18n/format';
import { PasswordField } from '../parts/fields';
import { explainProblem, Loading, Notice, PageTitle } from '../parts/page';
import { toast } from '../parts/toast';

function Password() {
  const [old, setOld] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (password !== again) {
      setError(t.value.passwordsDiffer);
      return;
    }
    setError(null);
    try {
      await changePassword(me.value!.user, old, password);
      setOld('');
      setPassword('');
      setAgain('');
      toast(t.value.passwordChanged);
    } catch (problem) {
      setError(explainProblem(asProblem(problem)));
    }
  };
  return (
    <section class="card" aria-labelledby="password-heading">
      <h2 id="password-heading">{t.value.changePassword}</h2>
      <form onSubmit={(event) => void submit(event)}>
        {error && <Notice kind="error">{error}</Notice>}
        <input type="text" class="visually-hidden" autocomplete="username" value={me.value?.user} readOnly tabIndex={-1} aria-hidden="true" />
        <PasswordField label={t.value.oldPassword} autocomplete="current-password" required value={old} onInput={setOld} />
        <PasswordField label={t.value.newPassword} autocomplete="new-password" required minLength={8} value={password} onInput={setPassword} hint={t.value.passwordRule} />
        <PasswordField label={t.value.repeatPassword} autocomplete="new-password" required value={again} onInput={setAgain} />
        <div><button type="submit" class="button primary">{t.value.changePassword}</button></div>
      </form>
    </section>
  );
}

/** "Mozilla/5.0 (X11; Linux x86_64) … Firefox/128.0" -> "Firefox, Linux" */
function clientName(client: string | null): string {
  if (!client) return t.value.unknownClient;
  const browser = /(Edg|OPR|Firefox|Chrom(?:e|ium)|Safari)\//.exec(client)?.[1];
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|Linux)/.exec(client)?.[1];
  if (!browser) return client.slice(0, 60);
  const names: Record<string, string> = { Edg: 'Edge', OPR: 'Opera', Chrome: 'Chrome', Chromium: 'Chromium' };
  return [names[browser] ?? browser, system === 'Mac OS X' ? 'macOS' : system].filter(Boolean).join(', ');
}

function LoginRow({ login, onEnd }: { login: Login; onEnd: () => void }) {
  return (
    <li class="row">
      <div>
        <p class="row-title">{clientName(login.client)} {login.current && <span class="badge accent">{t.value.thisBrowser}</span>}</p>
        <p class="muted">
          {[login.address, t.value.signedInAt(formatTime(login.created)), login.last_used && t.value.lastUsed(formatAgo(login.last_used))].filter(Boolean).join(' · ')}
        </p>
      </div>
      {!login.current && <button type="button" class="button" onClick={onEnd}>{t.value.endLogin}</button>}
    </li>
  );
}

function useAction(reload: () => void): [string | null, (run: () => Promise<void>, done?: string) => void] {
  const [error, setError] = useState<string | null>(null);
  const act = (run: () => Promise<void>, done?: string) => {
    run().then(() => {
      setError(null);
      if (done) toast(done);
      reload();
    }, (problem: unknown) => setError(explainProblem(asProblem(problem))));
  };
  return [error, act];
}

function Logins() {
  const logins = useResource(() => listLogins(), []);
  const [error, act] = useAction(logins.reload);
  return (
    <section class="card" aria-labelledby="logins-heading">
      <h2 id="logins-heading">{t.value.logins}</h2>
      {(error ?? logins.error) && <Notice kind="error">{error ?? explainProblem(logins.error!)}</Notice>}
      {!logins.data && logins.loading && <Loading />}
      <ul>
        {logins.data?.map((login) => <LoginRow key={login.id} login={login} onEnd={() => act(() => endLogin(login.id))} />)}
      </ul>
      {(logins.data?.length ?? 0) > 1 && (
        <button type="button" class="button" onClick={() => act(endOtherLogins, t.value.othersEnded)}>{t.value.endOthers}</button>
      )}
    </section>
  );
}

function Links() {
  const links = useResource(() => listLinks(), []);
  const [error, act] = useAction(links.reload);
  const mine = links.data?.filter((link) => link.user === me.value?.user);
  return (
    <section class="card" aria-labelledby="links-heading">
      <h2 id="links-heading">{t.value.links}</h2>
      {(error ?? links.error) && <Notice kind="error">{error ?? explainProblem(links.error!)}</Notice>}
      {mine?.length === 0 && <p class="muted">{t.value.noLinks}</p>}
      <ul>
        {mine?.map((link) => (
          <li key={link.id} class="row">
            <div>
              <p class="row-title"><a href={`/about/${encodeName(link.medium)}`}>{link.medium}</a></p>
              <p class="muted">{t.value.until(formatTime(link.expires))}</p>
            </div>
            <button type="button" class="button" onClick={() => act(() => removeLink(link.id), t.value.linkRemoved)}>{t.value.removeLink}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export default function AccountPage() {
  return (
    <div class="account">
      <PageTitle>{t.value.account}</PageTitle>
      <p class="muted account-who">{me.value && t.value.signedInAs(me.value.user, t.value.roles[me.value.role])}</p>
      <Logins />
      <Links />
      <Password />
    </div>
  );
}
