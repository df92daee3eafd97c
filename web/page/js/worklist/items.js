// The rows of the worklist.

import { address } from '../api.js';
import { Tag as Study, age, dayText, personName, pictured, timeText, value, values } from '../dicom.js';
import { counted, element, thumbnail } from '../dom.js';
import { Tag, lockOf } from './ups.js';

// moment reads a DT value.
function moment(text) {
  const m = /^(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?(?:\.\d+)?([+-]\d{4})?$/.exec(text);
  if (!m) return null;
  const [, y, mo, d, h = '00', mi = '00', s = '00', zone] = m;
  return new Date(`${y}-${mo}-${d}T${h}:${mi}:${s}${zone ? `${zone.slice(0, 3)}:${zone.slice(3)}` : ''}`);
}

// since is how long ago a moment was, roughly.
function since(text) {
  const at = moment(text);
  if (!at) return '';
  const minutes = Math.max(0, Math.round((Date.now() - at) / 60000));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  return counted(Math.floor(minutes / 1440), 'day', 'days');
}

const dateTime = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });

const performedOf = item => item[Tag.Performed]?.Value?.[0] ?? {};
export const startOf = item => value(performedOf(item), Tag.PerformedStart);
export const readerOf = item => personName(performedOf(item)[Tag.ActualHumanPerformers]?.Value?.[0], Tag.HumanPerformerName);

// ItemTable keeps the rows of workitems that stay on the list. act is called with what a person does to which: claim, complete, release,
// cancel, priority.
export class ItemTable {
  #body;
  #rows = new Map();
  #act;

  constructor(table, act) {
    this.#body = table.tBodies[0];
    this.#act = act;
  }

  // show replaces the list. arriving marks what was not on it before.
  show(list, arriving) {
    const rows = new Map();
    for (const item of list) {
      const uid = value(item, '00080018');
      const known = this.#rows.get(uid);
      const row = known ?? { element: element('tr', { role: 'row', className: 'study' }), shown: '' };
      const text = JSON.stringify(item) + lockOf(uid);
      if (row.shown !== text) {
        const focused = row.element.contains(document.activeElement) ? document.activeElement.dataset.act : '';
        row.element.replaceChildren(...this.#cells(uid, item));
        row.shown = text;
        if (focused) row.element.querySelector(`[data-act="${focused}"]`)?.focus();
      }
      row.element.classList.toggle('arrived', arriving && !known);
      rows.set(uid, row);
    }
    this.#rows = rows;
    const wanted = [...rows.values()].map(row => row.element);
    wanted.forEach((e, i) => {
      if (this.#body.children[i] !== e) this.#body.insertBefore(e, this.#body.children[i] ?? null);
    });
    while (this.#body.children.length > wanted.length) this.#body.lastChild.remove();
  }

  #cells(uid, item) {
    const study = value(item, Study.StudyInstanceUID);
    const modalities = values(item, Study.ModalitiesInStudy);
    const name = personName(item, Study.PatientName) || 'No name';
    const date = value(item, Study.StudyDate);
    const accession = value(item, Study.AccessionNumber);
    const late = Number(value(item, Tag.Late));
    const cell = (kind, first, second) => element('td', { role: 'cell', className: kind },
      element('span', { className: 'first' }, first), element('span', { className: 'second' }, second));
    return [
      element('td', { role: 'cell', className: 'picture' },
        thumbnail(study && pictured(modalities) ? address.studyThumbnail(study) : '', modalities[0] ?? '', 52)),
      cell('patient', name, [value(item, Study.PatientID), age(value(item, Study.PatientBirthDate), date)].filter(Boolean).join(' · ')),
      cell('date', dayText(date), timeText(value(item, Study.StudyTime))),
      cell('description', value(item, Study.StudyDescription) || value(item, '00741204'), accession && `Accession ${accession}`),
      element('td', { role: 'cell', className: 'modalities' }, ...modalities.map(m => element('span', { className: 'modality' }, m)),
        late ? element('span', { className: 'late', title: 'Instances that came after the study was read' }, `${late} new`) : ''),
      cell('facility', value(item, Tag.InstitutionName), personName(item, Study.ReferringPhysicianName)),
      element('td', { role: 'cell', className: 'number' }, value(item, Study.NumberOfStudyRelatedInstances)),
      element('td', { role: 'cell', className: 'priority-of' }, this.#priority(uid, item, name)),
      this.#when(uid, item, cell),
      element('td', { role: 'cell', className: 'view' }, this.#actions(uid, item, study, name)),
    ];
  }

  #priority(uid, item, name) {
    const now = value(item, Tag.Priority);
    const state = value(item, Tag.State);
    const select = element('select', {
      className: `priority ${now}`, 'aria-label': `Priority of ${name}`, 'data-act': 'priority',
      disabled: !(state === 'SCHEDULED' || (state === 'IN PROGRESS' && lockOf(uid))),
    }, ...['HIGH', 'MEDIUM', 'LOW'].map(p => element('option', { value: p, selected: p === now }, p[0] + p.slice(1).toLowerCase())));
    select.addEventListener('change', () => this.#act('priority', uid, item, select.value));
    return select;
  }

  #when(uid, item, cell) {
    const state = value(item, Tag.State);
    if (state === 'SCHEDULED') return cell('when', since(value(item, Tag.Start)), '');
    const mine = state === 'IN PROGRESS' && lockOf(uid);
    const reader = readerOf(item) || (mine ? 'You' : 'Unknown reader');
    const at = moment(value(item, Tag.Modified));
    const shown = state === 'CANCELED' && !readerOf(item) ? '' : reader;
    const result = cell('when', shown, state === 'IN PROGRESS' ? `for ${since(startOf(item) || value(item, Tag.Modified))}` : at ? dateTime.format(at) : '');
    if (mine) result.firstChild.classList.add('mine');
    return result;
  }

  #actions(uid, item, study, name) {
    const state = value(item, Tag.State);
    const mine = lockOf(uid) !== '';
    const buttons = [];
    const button = (act, label, className = 'quiet') => {
      const b = element('button', { type: 'button', className, 'data-act': act, 'aria-label': `${label}: ${name}` }, label);
      b.addEventListener('click', () => this.#act(act, uid, item));
      buttons.push(b);
      return b;
    };
    if (state === 'SCHEDULED') button('claim', 'Claim', 'main');
    if (state === 'IN PROGRESS' && mine) {
      button('complete', 'Complete', 'main');
      button('release', 'Release');
    }
    if (state === 'SCHEDULED' || state === 'IN PROGRESS') buttons.push(this.#cancel(uid, item, name));
    if (study) {
      const view = element('a', {
        className: state === 'COMPLETED' ? 'button main' : 'button', href: address.viewer(study), target: '_blank', rel: 'noopener', 'data-act': 'view',
        'aria-label': `View the study of ${name}`,
      }, 'View');
      view.addEventListener('click', () => this.#act('view', uid, item));
      buttons.unshift(view);
    }
    return element('div', { className: 'actions-of' }, ...buttons);
  }

  // cancel asks once more before it acts, in its own place.
  #cancel(uid, item, name) {
    const b = element('button', { type: 'button', className: 'quiet', 'data-act': 'cancel', 'aria-label': `Cancel: ${name}` }, 'Cancel');
    let sure = 0;
    b.addEventListener('click', () => {
      if (sure) {
        clearTimeout(sure);
        this.#act('cancel', uid, item);
        return;
      }
      b.textContent = 'Really?';
      b.classList.add('sure');
      sure = setTimeout(() => {
        sure = 0;
        b.textContent = 'Cancel';
        b.classList.remove('sure');
      }, 4000);
    });
    return b;
  }
}
