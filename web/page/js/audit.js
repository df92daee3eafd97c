// The audit: who has seen and done what, the newest first, and whether the log is as it was written.

import { ask } from './api.js';
import { counted, element } from './dom.js';
import { introduce } from './session.js';

const most = 100; // events that are fetched at once
const part = id => document.getElementById(id);
const form = part('search');
const names = ['patient', 'who', 'study', 'since', 'until', 'kind', 'failed'];
let request = new AbortController();

// query is what is asked for. The last day is a whole one.
function query() {
  const asked = new URLSearchParams({ limit: most });
  for (const name of names) {
    let v = form.elements[name].value.trim();
    if (name === 'until' && v) v = new Date(Date.parse(v) + 24 * 3600 * 1000).toISOString().slice(0, 10);
    if (v) asked.set(name, v);
  }
  return asked;
}

// list shows the newest events, or those before the last one that is shown. A request that is under way is given up.
async function list(before) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const asked = query();
  if (before) asked.set('before', before);
  try {
    show(await (await ask('GET', `dicom-web/audit?${asked}`, { signal })).json(), before);
    part('problem').hidden = true;
  } catch (error) {
    if (signal.aborted) return;
    part('problem').hidden = false;
    part('problem').querySelector('p').textContent = `The audit could not be read. ${error.message}`;
  }
}

function show(events, older) {
  const body = part('events').tBodies[0];
  if (older) body.append(...events.map(row));
  else body.replaceChildren(...events.map(row));
  part('events').hidden = !body.rows.length;
  part('older').hidden = events.length < most;
  part('older').dataset.before = events.at(-1)?.n ?? '';
  part('clear').hidden = !names.some(name => form.elements[name].value);
  part('summary').textContent = body.rows.length ? counted(body.rows.length, 'event', 'events') : 'No event matches.';
}

function row(e) {
  const cell = (kind, first, second) => element('td', { role: 'cell', className: kind },
    element('span', { className: 'first' }, first), element('span', { className: 'second' }, second));
  const join = (...texts) => texts.filter(Boolean).join(' · ');
  const time = at => new Date(at).toLocaleString();
  const instances = Math.max(e.number ?? 0, e.instances?.length ?? 0);
  return element('tr', { role: 'row', className: 'study', 'data-number': `${e.n}` },
    cell('time', time(e.time), e.count ? `until ${time(e.until)}` : ''),
    cell('actor', e.who || 'Nobody known', join(e.as, e.tenant && `tenant ${e.tenant}`, e.client)),
    cell('what', join(e.kind, e.count && `${e.count} times`), join(e.route, e.query, e.detail)),
    cell('whom', e.patient ? join(e.patient, e.issuer) : '', join(e.study || e.object, instances && counted(instances, 'instance', 'instances'))),
    cell(`outcome ${e.outcome ? 'failed' : ''}`, e.outcome ? e.reason || 'Refused or failed' : 'Done', e.status ? `${e.status}` : ''));
}

// verify has the server read the whole log, and tells what it found.
async function verify() {
  const say = (text, fine) => {
    part('verdict').hidden = false;
    part('verdict').classList.toggle('fine', fine);
    part('verdict').querySelector('p').textContent = text;
  };
  part('verify').disabled = true;
  say('The log is being read …', true);
  try {
    const found = await (await ask('GET', 'dicom-web/audit/verification')).json();
    const all = `${counted(found.lines, 'line', 'lines')}, the last is ${found.last}:${found.hash}`;
    say(found.damages.length ? `The log is NOT as it was written: ${found.damages.map(d => `${d.what}${d.first ? ` (from line ${d.first})` : ''}: ${d.why}`).join('; ')}. ${all}`
      : `All is as it was written: ${all}.`, !found.damages.length);
  } catch (error) {
    say(`The log could not be verified. ${error.message}`, false);
  }
  part('verify').disabled = false;
}

let typing = 0;
form.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(list, 250);
});
form.addEventListener('submit', event => event.preventDefault());
form.addEventListener('reset', () => setTimeout(list));
part('older').addEventListener('click', () => list(part('older').dataset.before));
part('verify').addEventListener('click', verify);
introduce();
list();
