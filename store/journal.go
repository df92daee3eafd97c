package store

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
)

// Record is a line of the journal, which lies beside the blobs: the bytes of an instance were taken out of what is stored (Deleted,
// Replaced), or, after that, stored or restored. Of each blob the record with the highest number counts; a blob without one is
// stored. So the files alone tell what is deleted (docs/adr/0008-deletion.md).
type Record struct {
	Number   int64 // ascending, in the order of the commits
	Time     time.Time
	Kind     ChangeKind
	Ref      dicom.Ref
	SOPClass dicom.UID
	Blob     BlobID
}

// recordFields are number, time, kind, study, series, instance, SOP class and blob.
const recordFields = 8

// noStudy stands for the study and series of an instance that has none.
const noStudy dicom.UID = "-"

// String is the line, without its end.
func (r Record) String() string {
	study, series := cmp.Or(r.Ref.Study, noStudy), cmp.Or(r.Ref.Series, noStudy)
	return strings.Join([]string{strconv.FormatInt(r.Number, 10), r.Time.UTC().Format(time.RFC3339), r.Kind.String(),
		string(study), string(series), string(r.Ref.Instance), string(r.SOPClass), r.Blob.String()}, " ")
}

// parseRecord reads what String wrote.
func parseRecord(line string) (Record, error) {
	damaged := errors.New("a line of the journal is damaged")
	f := strings.Split(line, " ")
	if len(f) != recordFields {
		return Record{}, damaged
	}
	r := Record{Ref: dicom.Ref{Study: dicom.UID(f[3]), Series: dicom.UID(f[4]), Instance: dicom.UID(f[5])}, SOPClass: dicom.UID(f[6])}
	uids := []dicom.UID{r.Ref.Study, r.Ref.Series, r.Ref.Instance, r.SOPClass}
	if resource := dicom.ResourceOf(r.SOPClass); resource != "" && r.Ref.Study == noStudy && r.Ref.Series == noStudy {
		r.Ref = dicom.Ref{Resource: resource, Instance: r.Ref.Instance}
		uids = uids[2:]
	}
	var err error
	if r.Number, err = strconv.ParseInt(f[0], 10, 64); err != nil || r.Number < 1 {
		return Record{}, damaged
	}
	if r.Time, err = time.Parse(time.RFC3339, f[1]); err != nil {
		return Record{}, damaged
	}
	kind, known := ParseChangeKind(f[2])
	r.Kind = kind
	n, err := hex.Decode(r.Blob[:], []byte(f[7][:min(len(f[7]), 2*len(r.Blob))]))
	if !known || err != nil || n != len(r.Blob) || len(f[7]) != 2*len(r.Blob) {
		return Record{}, damaged
	}
	for _, uid := range uids {
		if !uid.Valid() {
			return Record{}, damaged
		}
	}
	return r, nil
}

// IsRecord reports whether a line of the journal can be read.
func IsRecord(line string) bool {
	_, err := parseRecord(line)
	return err == nil
}

// removed is what the index has to know of a blob that was taken out of what is stored.
func (r Record) removed() *Removed {
	return &Removed{Entry: &Entry{Ref: r.Ref, SOPClass: r.SOPClass, Blob: r.Blob}, Time: r.Time, Kind: r.Kind, Record: r.Number}
}

// note writes into the journal what the index has committed and the journal does not have. Who is told that an instance is
// stored, deleted or restored has been noted before. What a failure leaves out is noted by the next call.
func (s *Store) note(ctx context.Context) error {
	s.noting.Lock()
	defer s.noting.Unlock()
	ctx = context.WithoutCancel(ctx)
	records, err := s.index.Unrecorded(ctx)
	if err != nil || len(records) == 0 {
		return err
	}
	if err := s.record(ctx, records); err != nil {
		return err
	}
	s.index.Recorded(records[len(records)-1].Number)
	return nil
}

// journal is what the journal says: the record that counts of each blob.
type journal map[BlobID]Record

func (s *Store) readJournal(ctx context.Context) (journal, error) {
	j := journal{}
	n := 0
	for line, err := range s.blobs.Records(ctx) {
		if err != nil {
			return nil, err
		}
		n++
		r, err := parseRecord(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: noctis doctor --fix sets it aside", n, err)
		}
		if r.Number >= j[r.Blob].Number {
			j[r.Blob] = r
		}
	}
	return j, nil
}

// has reports whether the blob was taken out of what is stored.
func (j journal) has(id BlobID) bool {
	r, ok := j[id]
	return ok && (r.Kind == Deleted || r.Kind == Replaced)
}

// behind yields the records that count and have a higher number, ascending.
func (j journal) behind(number int64) iter.Seq[Record] {
	records := slices.SortedFunc(maps.Values(j), func(a, b Record) int { return int(min(max(a.Number-b.Number, -1), 1)) })
	return func(yield func(Record) bool) {
		for _, r := range records {
			if r.Number > number && !yield(r) {
				return
			}
		}
	}
}

// Reconcile makes index and journal agree, before anything is stored or deleted. What the index has committed, and a crash kept out of
// the journal, or what an older copy of the journal does not have, is noted. What the journal has and the index does not know was done after the backup that the index is from: it
// is done again.
func (s *Store) Reconcile(ctx context.Context) error {
	known, err := s.index.LastRecord(ctx)
	if err != nil {
		return err
	}
	j, err := s.readJournal(ctx)
	if err != nil {
		return err
	}
	last := int64(0)
	for r := range j.behind(0) {
		last = r.Number
	}
	if known > last {
		d, err := s.discord(ctx, j, known)
		if err == nil {
			err = s.record(ctx, d.Lacking)
		}
		if err != nil {
			return err
		}
	}
	s.index.Recorded(last)
	for r := range j.behind(known) {
		if err := s.redo(ctx, r, j.has(r.Blob)); err != nil {
			return fmt.Errorf("record %d of the journal: %w", r.Number, err)
		}
	}
	return s.note(ctx)
}

// Discord is how index and journal disagree.
type Discord struct {
	// Lacking are the records that the journal lacks and the index tells of: what it calls removed, and, of what the journal calls removed, what
	// it has stored since. There are none unless the journal is an older copy, or was damaged, or a crash has just come between.
	Lacking []Record
	// Undone are the records of the journal that the index does not know: it is an older copy, or has forgotten what was removed.
	Undone []Record
}

// Discord compares index and journal. Nothing is changed: Agree does that.
func (s *Store) Discord(ctx context.Context) (Discord, error) {
	known, err := s.index.LastRecord(ctx)
	if err != nil {
		return Discord{}, err
	}
	j, err := s.readJournal(ctx)
	if err != nil {
		return Discord{}, err
	}
	return s.discord(ctx, j, known)
}

func (s *Store) discord(ctx context.Context, j journal, known int64) (d Discord, err error) {
	removed := map[BlobID]bool{}
	for r, err := range s.index.Removed(ctx, RemovedQuery{Tombstones: true}) {
		if err != nil {
			return d, err
		}
		removed[r.Entry.Blob] = true
		if j[r.Entry.Blob].Number < r.Record {
			d.Lacking = append(d.Lacking, Record{Number: r.Record, Time: r.Time, Kind: r.Kind, Ref: r.Entry.Ref, SOPClass: r.Entry.SOPClass, Blob: r.Entry.Blob})
		}
	}
	for record := range j.behind(0) {
		switch {
		case record.Number > known:
			d.Undone = append(d.Undone, record)
			continue
		case !j.has(record.Blob) || removed[record.Blob]:
			continue
		}
		blob, stored, err := s.index.BlobOf(ctx, record.Ref.Instance)
		switch {
		case err != nil:
			return d, err
		case stored && blob == record.Blob:
			record.Number, record.Kind = known, Stored
			d.Lacking = append(d.Lacking, record)
		default:
			d.Undone = append(d.Undone, record)
		}
	}
	return d, nil
}

// Agree ends the discord: the journal gets what it lacks, and what the index does not know is done again.
func (s *Store) Agree(ctx context.Context) error {
	if err := s.Reconcile(ctx); err != nil {
		return err
	}
	d, err := s.Discord(ctx)
	if err != nil {
		return err
	}
	for _, r := range d.Undone {
		if err := s.redo(ctx, r, r.Kind == Deleted || r.Kind == Replaced); err != nil {
			return fmt.Errorf("record %d of the journal: %w", r.Number, err)
		}
	}
	return s.record(ctx, d.Lacking)
}

func (s *Store) record(ctx context.Context, records []Record) error {
	lines := make([]string, len(records))
	for i, r := range records {
		lines[i] = r.String()
	}
	return s.blobs.Record(ctx, lines...)
}

// redo does again what a record says.
func (s *Store) redo(ctx context.Context, r Record, removed bool) error {
	admit, done := s.patient(ctx)
	defer done()
	blob := s.scanBlob(ctx, r.Blob, admit)
	if err := ctx.Err(); err != nil {
		return err
	}
	if removed {
		defer s.touched()
		return s.index.Remove(ctx, []*Removed{r.found(blob)})
	}
	if blob.err != nil {
		return nil // Recover tells of it
	}
	defer s.touched()
	blob.entry.Record = r.Number
	_, err := s.index.Insert(ctx, []*Entry{blob.entry})
	return err
}

// found is what the index has to know of a blob that was taken out of what is stored, when the blob has been looked for: a
// tombstone if it has gone.
func (r Record) found(blob scanned) *Removed {
	removed := r.removed()
	switch {
	case blob.entry != nil:
		removed.Entry = blob.entry
	case errors.Is(blob.err, ErrNotFound):
		removed.Purged = true
	default:
		removed.Entry.Size, removed.Entry.Stored = blob.info.Size, blob.info.Stored
	}
	return removed
}
