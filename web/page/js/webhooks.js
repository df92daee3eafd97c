// The webhooks: how each does, and its dead letters, which can be sent again or discarded.

import { ask } from './api.js';
import { counted, element } from './dom.js';
import { introduce } from './session.js';

const root = 'dicom-web/webhooks';
const part = id => document.getElementById(id);
const addressOf = (name, ...path) => [root, encodeURIComponent(name), ...path].join('/');
let chosen = ''; // the webhook whose dead letters are shown

function say(text, fine) {
  part('said').hidden = !text;
  part('said').classList.toggle('fine', fine);
  part('said').querySelector('p').textContent = text;
}

// tried does something, tells how it went, and shows what is there then.
async function tried(what, done, failed) {
  try {
    await what();
    say(done, true);
  } catch (error) {
    say(`${failed} ${error.message}`, false);
  }
  await list();
}

async function list() {
  try {
    const hooks = await (await ask('GET', root)).json();
    part('hooks').tBodies[0].replaceChildren(...hooks.map(hookRow));
    part('hooks').hidden = !hooks.length;
    part('nothing').hidden = hooks.length > 0;
    if (chosen) await showLetters(hooks.find(hook => hook.name === chosen));
  } catch (error) {
    say(`The webhooks could not be read. ${error.message}`, false);
  }
}

const cell = (kind, first, second) => element('td', { role: 'cell', className: kind },
  element('span', { className: 'first' }, first), element('span', { className: 'second' }, second));
const time = at => (at ? new Date(at).toLocaleString() : '');

function button(text, label, act) {
  const b = element('button', { type: 'button', className: 'quiet', 'aria-label': label }, text);
  b.addEventListener('click', async () => {
    b.disabled = true;
    await act();
    b.disabled = false;
  });
  return b;
}

const actions = (...buttons) => element('td', { role: 'cell', className: 'view' }, element('div', { className: 'actions-of' }, ...buttons));

function hookRow(hook) {
  const { name } = hook;
  const test = hook.url ? button('Test', `Test ${name}`, () => tried(() => ask('POST', addressOf(name, 'test')), `${name} took the test.`, `${name} did not take the test.`)) : '';
  const dead = hook.deadLetters ? button(counted(hook.deadLetters, 'dead letter', 'dead letters'), `Dead letters of ${name}`, () => {
    chosen = name;
    return list();
  }) : '';
  return element('tr', { role: 'row', className: 'study' },
    cell('hook', name, hook.url ?? 'no longer in the settings'),
    cell('events', hook.events?.join(', ') || 'All', ''),
    cell('taken', hook.delivered.toLocaleString(), hook.lastSuccess ? `last ${time(hook.lastSuccess)}` : ''),
    cell('waiting', hook.behind.toLocaleString(), ''),
    cell(hook.failing ? 'failing' : '', hook.failing ? `Failed ${counted(hook.failing, 'time', 'times')}` : 'Well', hook.failing ? `${time(hook.lastFailure)} · ${hook.reason}` : ''),
    actions(dead, test));
}

// showLetters shows the dead letters of a webhook, the oldest first.
async function showLetters(hook) {
  const letters = hook?.deadLetters ? await (await ask('GET', addressOf(chosen, 'dead-letters'))).json() : [];
  part('dead').hidden = !letters.length;
  part('dead-title').textContent = hook ? `${chosen}: ${counted(hook.deadLetters, 'dead letter', 'dead letters')}` : '';
  part('letters').tBodies[0].replaceChildren(...letters.map(letterRow));
  if (!letters.length) chosen = '';
}

function letterRow(letter) {
  const at = addressOf(chosen, 'dead-letters', letter.id);
  const { type, data } = letter.body;
  return element('tr', { role: 'row', className: 'study' },
    cell('since', time(letter.at), counted(letter.attempts, 'attempt', 'attempts')),
    cell('event', type, data?.studyInstanceUID ?? data?.sopInstanceUID ?? ''),
    cell('why', letter.reason, letter.message),
    actions(button('Send again', `Send ${letter.message} again`, () => tried(() => ask('POST', `${at}/resend`), 'It was taken.', 'It was not taken.')),
      button('Discard', `Discard ${letter.message}`, () => tried(() => ask('DELETE', at), 'It was discarded.', 'It could not be discarded.'))));
}

part('discard-all').addEventListener('click', () => tried(() => ask('DELETE', addressOf(chosen, 'dead-letters')), 'They were discarded.', 'They could not be discarded.'));
introduce();
list();
