// The last report of noctis doctor: what was wrong with the data folder, and what was done about it.

import { examination } from './api.js';
import { counted, element } from './dom.js';

const part = id => document.getElementById(id);

// showExamination opens the dialog with the report.
export async function showExamination() {
  part('doctor-list').replaceChildren();
  part('doctor-summary').textContent = '';
  if (!part('doctor').open) part('doctor').showModal();
  try {
    const report = await examination();
    part('doctor-summary').textContent = report ? verdict(report) : 'This store has not been examined yet: noctis doctor does it, while the server is stopped.';
    part('doctor-list').replaceChildren(...(report?.findings ?? []).map(row));
  } catch (error) {
    part('doctor-summary').textContent = `The report could not be read. ${error.message}`;
  }
}

function verdict(report) {
  const what = !report.healthy ? 'something is wrong' : report.findings?.length ? 'all that was wrong is mended' : 'nothing was wrong';
  return `${new Date(report.began).toLocaleString()}, ${counted(report.entries, 'instance', 'instances')} examined` +
    `${report.deep ? ' to the last byte' : ''}: ${what}.`;
}

function row(finding) {
  return element('li', {}, element('span', {},
    element('span', { className: 'first' }, `${finding.kind}: ${finding.detail}`),
    element('span', { className: 'second' }, [finding.instance, finding.mended && `mended: ${finding.mended}`].filter(Boolean).join(' · '))));
}
