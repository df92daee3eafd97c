// Failure and warning reasons of Store (PS3.18 I.2.2, PS3.7 Annex C) in plain words.

const reasons = new Map([
  [0x0110, 'The server could not process the file.'],
  [0x0111, 'Another image with the same UID, but other contents, is stored already.'],
  [0x0117, 'The UID of the image is not valid.'],
  [0x0122, 'The server does not store objects of this kind.'],
  [0x0124, 'You are not allowed to store here.'],
  [0xb000, 'Stored; the server changed some values.'],
  [0xb006, 'Stored; the server left out some values.'],
  [0xb007, 'Stored, though the contents do not fit the kind of object.'],
  [0xc001, 'A UID is missing or not valid.'],
  [0xc002, 'The file is larger or deeper than the server takes.'],
  [0xc122, 'The server does not take this transfer syntax.'],
]);

// Families of reasons, by the bits that are the same in all of them.
const families = [
  [0xff00, 0xa700, 'The server has no room left.'],
  [0xff00, 0xa900, 'The contents do not fit the study, or the kind of object.'],
  [0xf000, 0xc000, 'This is no DICOM file that the server understands.'],
];

// reasonText puts a reason into words; what more the server said follows, and the code for those who look it up.
export function reasonText(code, more = '') {
  const family = families.find(([mask, bits]) => (code & mask) === bits);
  const text = reasons.get(code) ?? family?.[2] ?? 'The server refused the file.';
  const hex = code.toString(16).toUpperCase().padStart(4, '0');
  return [text, more && `${more[0].toUpperCase()}${more.slice(1)}`, `(${hex})`].filter(Boolean).join(' ');
}
