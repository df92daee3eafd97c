// The DICOM JSON model (PS3.18 F.2), as far as the page reads it, and its values as people write them.

export const Tag = {
  StudyDate: '00080020',
  StudyTime: '00080030',
  AccessionNumber: '00080050',
  Modality: '00080060',
  ModalitiesInStudy: '00080061',
  ReferringPhysicianName: '00080090',
  StudyDescription: '00081030',
  SeriesDescription: '0008103E',
  WarningReason: '00081196',
  FailureReason: '00081197',
  FailedSOPSequence: '00081198',
  ReferencedSOPSequence: '00081199',
  OtherFailuresSequence: '0008119A',
  PatientName: '00100010',
  PatientID: '00100020',
  PatientBirthDate: '00100030',
  PatientSex: '00100040',
  StudyInstanceUID: '0020000D',
  SeriesInstanceUID: '0020000E',
  SeriesNumber: '00200011',
  NumberOfStudyRelatedSeries: '00201206',
  NumberOfStudyRelatedInstances: '00201208',
  NumberOfSeriesRelatedInstances: '00201209',
};

// values are all values of an element; an element that is missing or empty has none.
export function values(dataset, tag) {
  return (dataset?.[tag]?.Value ?? []).filter(v => v !== null && v !== '');
}

// value is the first value of an element as text, '' without one.
export function value(dataset, tag) {
  const v = values(dataset, tag)[0];
  return v === undefined ? '' : String(v);
}

// personName writes the first name of a PN as "Last, First Middle" (PS3.5 6.2.1.1); the ideographic form follows where there
// is one.
export function personName(dataset, tag) {
  const groups = values(dataset, tag)[0] ?? {};
  const written = (group, comma) => {
    const [family, given, middle, prefix, suffix] = (group ?? '').split('^').map(part => part.trim());
    return [family, [prefix, given, middle, suffix].filter(Boolean).join(' ')].filter(Boolean).join(comma);
  };
  return [written(groups.Alphabetic, ', '), written(groups.Ideographic, ' ')].filter(Boolean).join(' · ');
}

// day reads a DA value, also in the form of ACR-NEMA ("2024.01.31"), as the local midnight that begins it.
export function day(text) {
  const m = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(text.trim());
  if (!m) return null;
  const d = new Date(+m[1], +m[2] - 1, +m[3]);
  d.setFullYear(+m[1]); // the years 0 to 99 are not those of the 20th century
  return d.getMonth() === +m[2] - 1 && d.getDate() === +m[3] ? d : null;
}

const dayFormat = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });

// dayText writes a DA value; what is no date stays as it is.
export function dayText(text) {
  const d = day(text);
  return d ? dayFormat.format(d) : text;
}

// timeText writes a TM value as hours and minutes.
export function timeText(text) {
  const m = /^(\d{2}):?(\d{2})/.exec(text);
  return m ? `${m[1]}:${m[2]}` : '';
}

// age is the age in years on a day, or for infants in months, by two DA values.
export function age(birth, on) {
  const b = day(birth);
  const d = day(on);
  if (!b || !d || d < b) return '';
  const months = (d.getFullYear() - b.getFullYear()) * 12 + d.getMonth() - b.getMonth() - (d.getDate() < b.getDate() ? 1 : 0);
  return months < 24 ? `${months} mo` : `${Math.floor(months / 12)} y`;
}

// withoutPictures are modalities whose objects have nothing to show in a thumbnail.
const withoutPictures = new Set([
  'SR', 'PR', 'KO', 'SEG', 'RTSTRUCT', 'RTPLAN', 'RTRECORD', 'REG', 'FID', 'DOC', 'M3D', 'ECG', 'HD', 'EPS', 'AU', 'ASMT',
  'PLAN', 'RWV',
]);

// pictured reports whether any of the modalities may have a thumbnail. None is known: it may.
export function pictured(modalities) {
  return modalities.length === 0 || modalities.some(m => !withoutPictures.has(m));
}
