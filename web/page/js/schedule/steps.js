// The requests of the schedule, and what its form reads and writes of a step (PS3.4 Table K.6-1).

import { complaint } from '../api.js';
import { personName, value } from '../dicom.js';

const root = 'dicom-web/modality-scheduled-procedure-steps';
const type = 'application/dicom+json';
const sequence = '00400100';

// stepOf is the item of the Scheduled Procedure Step Sequence.
export const stepOf = dataSet => dataSet[sequence]?.Value?.[0] ?? {};

// Tag has what the list shows of a step.
export const Tag = {
  Station: '00400001', Date: '00400002', Time: '00400003', Description: '00400007', ID: '00400009', StationName: '00400010', Location: '00400011',
  State: '00400020', Procedure: '00321060', Sequence: sequence,
};

const path = dataSet => `/${encodeURIComponent(value(dataSet, '0020000D'))}/${encodeURIComponent(value(stepOf(dataSet), Tag.ID))}`;

async function ask(method, target, dataSet, signal) {
  const answer = await fetch(root + target, {
    method, signal, headers: { Accept: type, ...(dataSet && { 'Content-Type': type }) }, body: dataSet && JSON.stringify(dataSet),
  });
  if (answer.ok) return answer;
  const error = new Error(complaint(answer.status, answer.headers.get('Content-Type'), await answer.text()));
  error.status = answer.status;
  throw error;
}

// search returns steps, and how many there are altogether.
export async function search(parameters, signal) {
  const answer = await ask('GET', `?${new URLSearchParams(parameters)}`, null, signal);
  return { steps: answer.status === 204 ? [] : await answer.json(), total: Number(answer.headers.get('X-Total-Count')) };
}

// whole is a step with all its attributes, as it is now.
export async function whole(dataSet) {
  const found = await (await ask('GET', path(dataSet))).json();
  const step = Array.isArray(found) ? found[0] : found;
  delete step['00081115']; // the stored series are told, not kept
  return step;
}

export const create = dataSet => ask('POST', '', dataSet);
export const replace = dataSet => ask('PUT', path(dataSet), dataSet);
export const remove = dataSet => ask('DELETE', path(dataSet));

// fields are those of the form: the attribute, its VR, and whether it is in the item. What a person does not change stays as it is, also where
// the form shows less of it.
const fields = {
  name: ['00100010', 'PN'], id: ['00100020', 'LO'], born: ['00100030', 'DA'], sex: ['00100040', 'CS'],
  date: [Tag.Date, 'DA', true], time: [Tag.Time, 'TM', true], modality: ['00080060', 'CS', true], station: [Tag.Station, 'AE', true],
  description: [Tag.Description, 'LO', true], location: [Tag.Location, 'SH', true], performer: ['00400006', 'PN', true],
  state: [Tag.State, 'CS', true], step: [Tag.ID, 'SH', true],
  accession: ['00080050', 'SH'], priority: ['00401003', 'SH'], procedure: [Tag.Procedure, 'LO'], procedureID: ['00401001', 'SH'],
  requester: ['00321032', 'PN'], referrer: ['00080090', 'PN'], study: ['0020000D', 'UI'],
};

const written = {
  PN: (ds, tag) => personName(ds, tag).split(' · ')[0],
  DA: (ds, tag) => value(ds, tag).replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3'),
  TM: (ds, tag) => value(ds, tag).replace(/^(\d\d)(\d\d)?.*$/, (_, h, m) => `${h}:${m ?? '00'}`),
};

// fill shows a step in the form.
export function fill(form, dataSet) {
  for (const [name, [tag, vr, inItem]] of Object.entries(fields)) {
    const text = (written[vr] ?? value)(inItem ? stepOf(dataSet) : dataSet, tag);
    const field = form.elements[name];
    if (field instanceof HTMLSelectElement && ![...field.options].some(o => o.value === text)) {
      field.selectedIndex = 0; // SCHEDULED, or a value of another system
    } else field.value = text;
    field.dataset.before = field.value;
  }
}

const read = {
  PN: (text, before) => {
    const [family, ...given] = text.split(/[,^]/).map(s => s.trim());
    return { ...before, Alphabetic: [family, ...given].filter(Boolean).join('^') };
  },
  DA: text => text.replaceAll('-', ''),
  TM: text => text.replaceAll(':', ''),
  CS: text => text.toUpperCase(),
};

// changed is the step with what was changed in the form.
export function changed(form, dataSet) {
  const result = { ...dataSet };
  const item = { ...stepOf(dataSet) };
  for (const [name, [tag, vr, inItem]] of Object.entries(fields)) {
    const field = form.elements[name];
    const text = field.value.trim();
    if (text === field.dataset.before) continue;
    const to = inItem ? item : result;
    to[tag] = text ? { vr, Value: [read[vr] ? read[vr](text, to[tag]?.Value?.[0]) : text] } : { vr };
  }
  result[sequence] = { vr: 'SQ', Value: [item] };
  return result;
}
