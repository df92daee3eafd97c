// The list of studies: a table with one row for each study, which opens to show its series.

import { address, readinessOf, seriesOf } from './api.js';
import { Tag, age, dayText, personName, pictured, timeText, value, values } from './dicom.js';
import { counted, element, symbol, thumbnail } from './dom.js';
import { confirmDeletion } from './recyclebin.js';

const sexes = { F: 'F', M: 'M', O: 'other' };

// StudyTable keeps the rows of studies that stay on the list, so that a refresh moves nothing that did not change.
export class StudyTable {
  #body;
  #rows = new Map(); // by Study Instance UID
  #deleted;

  // deleted is called when a study has been deleted here.
  constructor(table, deleted) {
    this.#deleted = deleted;
    this.#body = table.tBodies[0];
    this.#body.addEventListener('keydown', event => this.#arrow(event));
  }

  // show replaces the list. arriving marks studies that were not on it before.
  show(studies, arriving) {
    const rows = new Map();
    for (const study of studies) {
      const uid = value(study, Tag.StudyInstanceUID);
      const known = this.#rows.get(uid);
      const row = known ?? new StudyRow(uid, this.#deleted);
      row.update(study);
      row.mark(arriving && !known);
      rows.set(uid, row);
    }
    const wanted = [...rows.values()].flatMap(row => row.elements);
    this.#rows = rows;
    // Only what moved is touched: an element that is put in again would lose the focus.
    wanted.forEach((e, i) => {
      if (this.#body.children[i] !== e) this.#body.insertBefore(e, this.#body.children[i] ?? null);
    });
    while (this.#body.children.length > wanted.length) this.#body.lastChild.remove();
  }

  // arrow moves the focus between rows with the arrow keys.
  #arrow(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const toggles = [...this.#body.querySelectorAll('.toggle')];
    const at = toggles.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    toggles[at + step]?.focus();
  }
}

// StudyRow is a study: its row, and the row below it with the series.
class StudyRow {
  #uid;
  #shown = '';
  #row = element('tr', { role: 'row', className: 'study' });
  #detail;
  #series;
  #toggle;
  #deleted;

  constructor(uid, deleted) {
    this.#uid = uid;
    this.#deleted = deleted;
    this.#series = element('div', { className: 'series-area' });
    this.#detail = element('tr', { role: 'row', className: 'detail', hidden: true, id: `series-${uid}` },
      element('td', { role: 'cell', colSpan: 9 }, this.#series));
    this.#toggle = element('button', {
      type: 'button', className: 'icon toggle', 'aria-expanded': 'false', 'aria-controls': this.#detail.id,
    }, symbol('chevron'));
    this.#row.addEventListener('click', event => this.#clicked(event));
  }

  get elements() {
    return [this.#row, this.#detail];
  }

  mark(arrived) {
    this.#row.classList.toggle('arrived', arrived);
  }

  // update shows the study as it is now.
  update(study) {
    const text = JSON.stringify(study);
    if (text === this.#shown) return;
    this.#shown = text;
    const name = personName(study, Tag.PatientName) || 'No name';
    const modalities = values(study, Tag.ModalitiesInStudy);
    const date = value(study, Tag.StudyDate);
    const birth = value(study, Tag.PatientBirthDate);
    const accession = value(study, Tag.AccessionNumber);
    const sex = value(study, Tag.PatientSex);
    this.#toggle.setAttribute('aria-label', `Series of ${name}`);
    const cell = (kind, first, second) => element('td', { role: 'cell', className: kind },
      element('span', { className: 'first' }, first), element('span', { className: 'second' }, second));
    const held = document.activeElement === this.#toggle;
    this.#row.replaceChildren(
      element('td', { role: 'cell', className: 'open' }, this.#toggle),
      element('td', { role: 'cell', className: 'picture' },
        thumbnail(pictured(modalities) ? address.studyThumbnail(this.#uid) : '', modalities[0] ?? '', 52)),
      cell('patient', name, value(study, Tag.PatientID)),
      cell('born', dayText(birth), [sexes[sex] ?? sex, age(birth, date)].filter(Boolean).join(' · ')),
      cell('date', dayText(date), timeText(value(study, Tag.StudyTime))),
      cell('description', value(study, Tag.StudyDescription), accession && `Accession ${accession}`),
      element('td', { role: 'cell', className: 'modalities' },
        ...modalities.map(m => element('span', { className: 'modality' }, m))),
      cell('number', Number(value(study, Tag.NumberOfStudyRelatedInstances)).toLocaleString(),
        counted(value(study, Tag.NumberOfStudyRelatedSeries), 'series', 'series')),
      element('td', { role: 'cell', className: 'view' },
        element('a', {
          className: 'button', href: address.viewer(this.#uid), 'aria-label': `View the study of ${name}`,
        }, 'View')),
    );
    if (held) this.#toggle.focus();
    if (!this.#detail.hidden) this.#load();
  }

  // clicked opens the row, wherever it is clicked but on a link, or to select text.
  #clicked(event) {
    if (event.target.closest('a') || (!event.target.closest('button') && String(getSelection()))) return;
    this.#detail.hidden = !this.#detail.hidden;
    this.#row.classList.toggle('opened', !this.#detail.hidden);
    this.#toggle.setAttribute('aria-expanded', String(!this.#detail.hidden));
    if (!this.#detail.hidden) this.#load();
  }

  async #load() {
    const study = JSON.parse(this.#shown);
    let content;
    try {
      const list = await seriesOf(this.#uid);
      content = element('ul', { className: 'series' }, ...list.map(series => seriesCard(this.#uid, series)));
    } catch (error) {
      content = element('p', { className: 'notice', role: 'alert' }, `The series could not be read. ${error.message}`);
    }
    const referring = personName(study, Tag.ReferringPhysicianName);
    this.#series.replaceChildren(content,
      element('p', { className: 'fine' },
        referring && `Referred by ${referring}. `, 'Study ', element('code', {}, this.#uid)), this.#readiness(), this.#deletion(study));
  }

  // readiness is the button that asks whether viewers can show the study, and the answer.
  #readiness() {
    const said = element('span', { role: 'status' });
    const list = element('ul', { className: 'fine' });
    const button = element('button', { type: 'button', className: 'plain check' }, 'Check for viewers');
    button.addEventListener('click', async () => {
      button.disabled = true;
      said.textContent = ' Checking…';
      try {
        const { ready, findings } = await readinessOf(this.#uid);
        said.textContent = ready ? ' Viewers can show all of it.' : ' Viewers cannot show all of it.';
        list.replaceChildren(...findings.map(found => element('li', {},
          `${found.severity === 'hidden' ? 'Not shown, or wrongly' : 'Limited'}: ${found.kind}: ${found.detail} (${counted(found.instances, 'instance', 'instances')})`)));
      } catch (error) {
        said.textContent = ` It could not be checked. ${error.message}`;
      }
      button.disabled = false;
    });
    return element('div', {}, element('p', {}, button, said), list);
  }

  // deletion is the button that deletes the study, and what it has to say.
  #deletion(study) {
    const name = personName(study, Tag.PatientName) || 'No name';
    const said = element('span', { role: 'alert' });
    const button = element('button', { type: 'button', className: 'plain danger', 'data-needs': 'delete', 'aria-label': `Delete the study of ${name}` }, 'Delete study');
    button.addEventListener('click', async () => {
      try {
        if (await confirmDeletion(this.#uid, name, value(study, Tag.NumberOfStudyRelatedInstances))) this.#deleted();
      } catch (error) {
        said.textContent = ` It could not be deleted. ${error.message}`;
      }
    });
    return element('p', {}, button, said);
  }
}

// seriesCard is a series: its picture, and a link that opens it in the viewer.
function seriesCard(study, series) {
  const uid = value(series, Tag.SeriesInstanceUID);
  const modality = value(series, Tag.Modality);
  const number = value(series, Tag.SeriesNumber);
  return element('li', {}, element('a', { href: address.viewerSeries(study, uid) },
    thumbnail(pictured([modality].filter(Boolean)) ? address.seriesThumbnail(study, uid) : '', modality, 112),
    element('span', { className: 'first' }, value(series, Tag.SeriesDescription) || 'No description'),
    element('span', { className: 'second' }, [modality, number && `no. ${number}`].filter(Boolean).join(' · ')),
    element('span', { className: 'second' },
      counted(value(series, Tag.NumberOfSeriesRelatedInstances), 'instance', 'instances'))));
}
