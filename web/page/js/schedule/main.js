// The schedule of the modalities: what is to be done where and when, and the form that makes and changes it.

import { Tag as Study, age, dayText, personName, timeText, value } from '../dicom.js';
import { counted, element } from '../dom.js';
import { follow } from '../feed.js';
import { introduce } from '../session.js';
import { Tag, changed, create, fill, remove, replace, search, stepOf, whole } from './steps.js';

const most = 200; // steps that are shown
const part = id => document.getElementById(id);
const form = part('search');
const editor = part('editor');
const step = part('step');
const names = ['patient', 'from', 'to', 'modality', 'station', 'state'];
const filtered = () => names.some(name => form.elements[name].value);
let request = new AbortController();
let edited = null; // the step in the form; null: a new one

const anyPart = text => (text.trim() ? `*${text.trim().replace(/[,^]\s*/g, '*').replace(/\s+/g, '*')}*` : '');

// keys are the matching keys of the search form.
function keys() {
  const field = name => form.elements[name].value;
  const plain = text => text.replaceAll('-', '');
  const inItem = tag => `${Tag.Sequence}.${tag}`;
  const patient = field('patient');
  const found = {
    [/\d/.test(patient) ? 'PatientID' : 'PatientName']: anyPart(patient),
    [inItem(Tag.Date)]: field('from') || field('to') ? `${plain(field('from'))}-${plain(field('to'))}` : '',
    [inItem(Study.Modality)]: field('modality').trim().toUpperCase().split(/[\s,]+/).filter(Boolean).join(','),
    [inItem(Tag.Station)]: field('station').trim(), // by its whole value: PS3.4 Table K.6-1
    [inItem(Tag.State)]: field('state'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, v]) => v));
}

// list asks for what is shown. A request that is under way is given up.
async function list() {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  try {
    show(await search({ ...keys(), limit: most }, signal));
  } catch (error) {
    if (!signal.aborted) complain('problem', 'The schedule could not be read.', error);
  }
}

function show({ steps, total }) {
  const body = part('steps').tBodies[0];
  const focused = document.activeElement?.closest('#steps tr')?.dataset.name;
  const act = document.activeElement?.dataset?.act;
  body.replaceChildren(...steps.map(row));
  if (focused) body.querySelector(`[data-name="${CSS.escape(focused)}"] [data-act="${act}"]`)?.focus();
  part('steps').hidden = !steps.length;
  part('nothing').hidden = steps.length > 0;
  part('nothing').querySelector('h2').textContent = filtered() ? 'No step matches' : 'Nothing is scheduled';
  part('clear').hidden = !filtered();
  const all = steps.length < total ? `The first ${steps.length} of ${total.toLocaleString()}` : counted(steps.length, 'step', 'steps');
  part('summary').textContent = steps.length ? all : '';
}

function row(dataSet) {
  const item = stepOf(dataSet);
  const name = personName(dataSet, Study.PatientName) || 'No name';
  const state = value(item, Tag.State) || 'SCHEDULED';
  const date = value(item, Tag.Date);
  const accession = value(dataSet, Study.AccessionNumber);
  const cell = (kind, first, second) => element('td', { role: 'cell', className: kind },
    element('span', { className: 'first' }, first), element('span', { className: 'second' }, second));
  const edit = element('button', { type: 'button', className: 'quiet', 'data-act': 'edit', 'data-needs': 'admin', 'aria-label': `Edit: ${name}` }, 'Edit');
  edit.addEventListener('click', () => open(dataSet));
  return element('tr', { role: 'row', className: 'study', 'data-name': `${value(dataSet, Study.StudyInstanceUID)} ${value(item, Tag.ID)}` },
    cell('date', dayText(date), timeText(value(item, Tag.Time))),
    cell('patient', name, [value(dataSet, Study.PatientID), age(value(dataSet, Study.PatientBirthDate), date)].filter(Boolean).join(' · ')),
    cell('description', value(item, Tag.Description) || value(dataSet, Tag.Procedure), accession && `Accession ${accession}`),
    element('td', { role: 'cell', className: 'modalities' }, element('span', { className: 'modality' }, value(item, Study.Modality))),
    cell('station', value(item, Tag.Station), value(item, Tag.Location) || value(item, Tag.StationName)),
    cell(`state ${state}`, state[0] + state.slice(1).toLowerCase(), ''),
    element('td', { role: 'cell', className: 'view' }, element('div', { className: 'actions-of' }, state === 'COMPLETED' ? '' : edit, removal(dataSet, name))));
}

// removal asks once more before it acts, in its own place.
function removal(dataSet, name) {
  const b = element('button', { type: 'button', className: 'quiet', 'data-act': 'delete', 'data-needs': 'admin', 'aria-label': `Delete: ${name}` }, 'Delete');
  let sure = 0;
  b.addEventListener('click', async () => {
    if (!sure) {
      b.textContent = 'Really?';
      b.classList.add('sure');
      sure = setTimeout(() => {
        sure = 0;
        b.textContent = 'Delete';
        b.classList.remove('sure');
        catchUp();
      }, 4000);
      return;
    }
    clearTimeout(sure);
    try {
      await remove(dataSet);
    } catch (error) {
      if (error.status !== 404) complain('problem', 'That did not work.', error);
    }
    list();
  });
  return b;
}

function complain(where, what, error) {
  part(where).querySelector('p').textContent = `${what} ${error instanceof TypeError ? 'The server does not answer.' : error.message}`;
  part(where).hidden = false;
}

// open shows the form: of a step as it is now, or for a new one.
async function open(dataSet) {
  part('problem').hidden = part('refused').hidden = true;
  try {
    edited = dataSet ? await whole(dataSet) : null;
  } catch (error) {
    complain('problem', 'The step could not be read.', error);
    return list();
  }
  part('editor-title').textContent = edited ? 'Edit the step' : 'New step';
  step.classList.remove('tried');
  fill(step, edited ?? {});
  for (const name of ['study', 'step']) step.elements[name].disabled = Boolean(edited); // they are its name
  editor.showModal();
}

step.addEventListener('submit', async event => {
  event.preventDefault();
  part('refused').hidden = true;
  part('save').disabled = true;
  try {
    await (edited ? replace : create)(changed(step, edited ?? {}));
    editor.close();
    list();
  } catch (error) {
    complain('refused', 'It was not saved.', error);
  } finally {
    part('save').disabled = false;
  }
});
step.addEventListener('invalid', () => step.classList.add('tried'), true);

// The search is in the address, for those who come back or follow a link. Who comes without one sees what is from today on.
function remember() {
  const kept = new URLSearchParams(names.map(name => [name, form.elements[name].value]).filter(([, v]) => v));
  history.replaceState(null, '', kept.size ? `?${kept}` : location.pathname);
}

const given = new URLSearchParams(location.search);
const today = new Date();
if (!given.size) given.set('from', [today.getFullYear(), today.getMonth() + 1, today.getDate()].map(n => String(n).padStart(2, '0')).join('-'));
for (const name of names) form.elements[name].value = given.get(name) ?? '';

let typing = 0;
form.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => { remember(); list(); }, 250);
});
form.addEventListener('submit', event => event.preventDefault());
form.addEventListener('reset', event => {
  event.preventDefault();
  for (const name of names) form.elements[name].value = '';
  remember();
  list();
});
part('new').addEventListener('click', () => open(null));
for (const id of ['close', 'cancel']) part(id).addEventListener('click', () => editor.close());
part('dismiss').addEventListener('click', () => { part('problem').hidden = true; });

// "/" goes to the search; not while one types.
addEventListener('keydown', event => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, dialog')) return;
  event.preventDefault();
  form.elements.patient.focus();
});

// Others change the schedule too. Under the hands of who is about to delete, or writes, it is asked for afterwards. The feed does not tell who may
// see only some patients (docs/adr/0032): they ask every minute.
const calm = () => !document.hidden && !editor.open && !document.querySelector('.sure');
let missed = false;
function again() {
  missed = !calm();
  if (!missed) list();
}
function catchUp() {
  if (missed) again();
}
const live = on => {
  part('live').classList.toggle('on', on);
  part('live').textContent = on ? 'Live' : 'Connecting';
};
follow(['step-scheduled', 'step-updated', 'step-removed'], again, { live, refused: introduce });
editor.addEventListener('close', catchUp);
document.addEventListener('visibilitychange', catchUp);
setInterval(again, 60_000);
addEventListener('focus', again);
introduce();
list();
