// Deleting a study, and the recycle bin: a dialog with what was deleted, each with a button that brings it back.

import { recycled, remove, restore } from './api.js';
import { Tag, dayText, personName, value } from './dicom.js';
import { counted, element } from './dom.js';

const part = id => document.getElementById(id);

// confirmDeletion asks, deletes, and resolves to whether it did.
export async function confirmDeletion(study, name, instances) {
  const dialog = part('confirm');
  part('confirm-text').textContent = `${name}, ${counted(instances, 'instance', 'instances')}. ` +
    'It can be restored from the recycle bin for a while.';
  dialog.returnValue = 'cancel';
  dialog.showModal();
  await new Promise(resolve => dialog.addEventListener('close', resolve, { once: true }));
  if (dialog.returnValue !== 'delete') return false;
  await remove(study);
  return true;
}

// RecycleBin is the dialog. changed is called when a study has come back.
export class RecycleBin {
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  async open() {
    if (!part('bin').open) part('bin').showModal();
    await this.#list('');
  }

  // list shows what is in the bin, behind what there is to say.
  async #list(said) {
    try {
      const entries = await recycled();
      part('bin-list').replaceChildren(...entries.map(entry => (entry.resource ? this.#resourceRow(entry) : this.#studyRow(entry))));
      part('bin-summary').textContent = said || (entries.length ? counted(entries.length, 'entry', 'entries') : 'The recycle bin is empty.');
    } catch (error) {
      part('bin-summary').textContent = `The recycle bin could not be read. ${error.message}`;
    }
  }

  #studyRow(study) {
    const name = personName(study.dataset, Tag.PatientName) || 'No name';
    return this.#row(study, name, `Restore the study of ${name}`, `${name} ${value(study.dataset, Tag.PatientID)}`,
      [dayText(value(study.dataset, Tag.StudyDate)), value(study.dataset, Tag.StudyDescription)]);
  }

  // resourceRow is of instances of no patient, such as hanging-protocols, which come back together.
  #resourceRow(entry) {
    const name = entry.resource.replaceAll('-', ' ');
    return this.#row(entry, name, `Restore the ${name}`, name, []);
  }

  #row(entry, name, label, first, second) {
    const removed = new Date(entry.lastRemoved).toLocaleString();
    const button = element('button', { type: 'button', 'aria-label': label }, 'Restore');
    button.addEventListener('click', () => this.#restore(button, entry, name));
    return element('li', {},
      element('span', {},
        element('span', { className: 'first' }, first),
        element('span', { className: 'second' },
          [...second, counted(entry.versions, 'instance', 'instances'), `removed ${removed}`].filter(Boolean).join(' · '))),
      button);
  }

  async #restore(button, entry, name) {
    button.disabled = true;
    try {
      const { restored, conflicts, damaged } = await restore(entry);
      const left = [conflicts.length && `${counted(conflicts.length, 'instance was', 'instances were')} stored anew meanwhile, and stay as they are`,
        damaged.length && `${counted(damaged.length, 'file is', 'files are')} damaged`].filter(Boolean).map(text => ` ${text}.`).join('');
      this.#changed();
      await this.#list(`${name}: ${counted(restored, 'instance', 'instances')} restored.${left}`);
    } catch (error) {
      button.disabled = false;
      part('bin-summary').textContent = `It could not be restored. ${error.message}`;
    }
  }
}
