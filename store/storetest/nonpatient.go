package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
	"github.com/noctis-dicom/noctis/internal/dicomtest"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/memstore"
)

// nonPatients are data sets of no patient, of every kind, in no order.
func nonPatients(n int) []*dicom.DataSet {
	var all []*dicom.DataSet
	for i := range n {
		for _, in := range dicomtest.NonPatient(fmt.Sprintf("np%02d", i)) {
			all = append(all, in.DataSet)
		}
	}
	rand.New(rand.NewPCG(12, 5)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// testNonPatientIndex compares an index that has instances of no patient among others with the reference, before and after it was opened
// again, and after some have been removed.
func testNonPatientIndex(t *testing.T, o OpenIndex) {
	oracle := memstore.NewIndex()
	var all []*store.Entry
	for _, ds := range nonPatients(6) {
		all = append(all, entryOf(t, ds, ""))
	}
	of := entries(t, 5, 20)
	mixed := slices.Concat(all[:20], of, all[20:])
	x := open(t, o)
	insert(t, x, mixed...)
	insert(t, oracle, mixed...)
	equal(t, dump(t, x), dump(t, oracle))
	compareNonPatients(t, x, oracle)

	other := entryOf(t, all[0].DataSet, "other bytes")
	for _, try := range []struct {
		e    *store.Entry
		want store.Inserted
	}{{all[0], store.InsertedDuplicate}, {other, store.InsertedConflict}} {
		if got, err := x.Insert(t.Context(), []*store.Entry{try.e}); err != nil || got[0] != try.want {
			t.Errorf("inserted as %v, %v; want %v", got, err, try.want)
		}
	}
	other.Replace = true
	image := entryOf(t, instance("1.2.1", "1.2.1.1", string(all[1].Ref.Instance), ""), "") // a study's instance takes the UID of one of none
	image.Replace = true
	for _, index := range []store.Index{x, oracle} {
		if got, err := index.Insert(t.Context(), []*store.Entry{other, image}); err != nil || !slices.Equal(got, []store.Inserted{store.InsertedReplacing, store.InsertedReplacing}) {
			t.Errorf("replaced: %v, %v", got, err)
		}
		remove(t, index, noon, all[5], all[6], of[3])
		if err := index.Purge(t.Context(), []store.BlobID{all[6].Blob}); err != nil {
			t.Fatal(err)
		}
	}
	x.Close()
	x = open(t, o)
	compareNonPatients(t, x, oracle)
	for _, r := range []dicom.Ref{{}, all[5].Ref, {Resource: all[5].Ref.Resource}, {Resource: all[6].Ref.Resource}, of[3].Ref, all[0].Ref} {
		got, want := removedRefs(t, x, r), removedRefs(t, oracle, r)
		if !slices.Equal(got, want) {
			t.Errorf("removed below %q: %v, want %v", r.Path(), got, want)
		}
	}
	for _, e := range mixed {
		got, err := x.Names(t.Context(), e.Blob)
		want, _ := oracle.Names(t.Context(), e.Blob)
		if err != nil || got != want {
			t.Errorf("%s: named %v, %v", e.Ref.Path(), got, err)
		}
		id, stored, err := x.BlobOf(t.Context(), e.Ref.Instance)
		wantID, wantStored, _ := oracle.BlobOf(t.Context(), e.Ref.Instance)
		if err != nil || id != wantID || stored != wantStored {
			t.Errorf("%s: blob %v, %v, %v", e.Ref.Path(), id, stored, err)
		}
	}
	if got, want := collect(t, x.Blobs(t.Context())), collect(t, oracle.Blobs(t.Context())); !slices.Equal(got, want) {
		t.Errorf("%d blobs, want %d", len(got), len(want))
	}
	last := collect(t, x.Changes(t.Context(), store.Cursor{}))
	if c := last[len(last)-3]; c.Ref != all[5].Ref || c.Kind != store.Deleted {
		t.Errorf("the change of a removal: %+v", c)
	}
}

func removedRefs(t *testing.T, x store.Index, r dicom.Ref) []dicom.Ref {
	var refs []dicom.Ref
	for _, removed := range removedOf(t, x, store.RemovedQuery{Ref: r, Tombstones: true}) {
		refs = append(refs, removed.Entry.Ref)
	}
	return refs
}

// compareNonPatients asks both the same.
func compareNonPatients(t *testing.T, x, oracle store.Index) {
	t.Helper()
	for _, resource := range dicom.NonPatientResources() {
		scope := dicom.Ref{Resource: resource}
		if got, want := refs(collect(t, x.Entries(t.Context(), scope))), refs(collect(t, oracle.Entries(t.Context(), scope))); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s: entries %v, want %v", resource, got, want)
		}
		for _, keys := range [][]string{
			nil, {"SOPInstanceUID", string(dicomtest.UID("np01", "1.2.840.10008.5.1.4.39.1")) + "," + string(dicomtest.UID("np02", "1.2.840.10008.5.1.4.43.1"))},
			{"HangingProtocolName", "np0?"}, {"HangingProtocolDefinitionSequence.Modality", "CT"}, {"HangingProtocolDefinitionSequence.Modality", "MR"},
			{"ImplantName", "*stem"}, {"ModelSpecificationSequence.ManufacturerModelName", "Model XA"}, {"ContentDescription", "np03*"},
			{"EffectiveDateTime", "20250101-20270101"}, {"InventoryPurpose", "np04 migration"}, {"InventoriedStudiesSequence.PatientID", "NOCTIS-INV"},
			{"SOPClassUID", "1.2.840.10008.5.1.4.44.1"}, {"InstanceCreationDate", "20260312", "InstanceCreationTime", "1000-1100"},
		} {
			q := match.Query{Level: match.Instance, Scope: scope, Keys: match.Combine(parsed(t, keys)), Limit: -1}
			for _, page := range []struct{ offset, limit int }{{0, -1}, {2, 3}, {100, 1}, {0, 0}} {
				q.Offset, q.Limit, q.IncludeAll = page.offset, page.limit, page.offset == 2
				got, want := projected(t, x, q), projected(t, oracle, q)
				if !slices.Equal(got, want) {
					t.Errorf("%s %v %+v: %d results, %.300q …, want %d, %.300q …", resource, keys, page, len(got), got, len(want), want)
				}
			}
			got, err := x.Count(t.Context(), q)
			want, _ := oracle.Count(t.Context(), q)
			if err != nil || got != want {
				t.Errorf("%s %v: count %d, %v, want %d", resource, keys, got, err, want)
			}
		}
	}
}

func parsed(t *testing.T, pairs []string) []match.Key {
	t.Helper()
	var keys []match.Key
	for pair := range slices.Chunk(pairs, 2) {
		path, err := match.ParsePath(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		k, err := match.ParseKey(path, pair[1], match.ParseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}

// testNonPatientLimits: what belongs to no patient is within nobody's limits, but those of whoever has none.
func testNonPatientLimits(t *testing.T, p *parts) {
	p.study(t, "1.2.1", 1)
	file := fileOf(t, nonPatients(1)[0])
	ref := p.ingest(t, file).Ref
	ctx := match.Within(t.Context(), match.Limits{Studies: []dicom.UID{"1.2.1"}})
	for _, r := range []dicom.Ref{ref, {Instance: ref.Instance}, {Resource: ref.Resource}} {
		if got := collect(t, p.Entries(ctx, r)); len(got) != 0 {
			t.Errorf("%+v: %d entries are seen", r, len(got))
		}
		if got := collect(t, p.Metadata(ctx, r)); len(got) != 0 {
			t.Errorf("%+v: metadata of %d are seen", r, len(got))
		}
	}
	if n := len(collect(t, p.Entries(ctx, dicom.Ref{}))); n != 1 {
		t.Errorf("%d of 1 within the limits", n)
	}
	q := match.Query{Level: match.Instance, Scope: dicom.Ref{Resource: ref.Resource}, Limit: -1}
	if n, err := p.Count(ctx, q); n != 0 || err != nil || len(collect(t, p.Search(ctx, q))) != 0 {
		t.Errorf("%d are found, %v", n, err)
	}
	for _, c := range collect(t, p.Changes(ctx, store.Cursor{})) {
		if c.Ref.Resource != "" {
			t.Errorf("a change is told of: %+v", c)
		}
	}
	var failure *store.Failure
	if _, err := p.Ingest(ctx, bytes.NewReader(file), ""); !errors.As(err, &failure) || failure.Reason != store.ReasonNotAuthorized {
		t.Errorf("it is stored: %v", err)
	}
	if _, err := p.Delete(ctx, ref); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it is deleted: %v", err)
	}
}

func projected(t *testing.T, x store.Index, q match.Query) []string {
	t.Helper()
	var rows []string
	for _, ds := range collect(t, x.Search(t.Context(), q)) {
		text, err := q.Project(ds).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, string(text))
	}
	return rows
}

// testNonPatient follows instances of no patient through a store: they come back byte for byte, and go as all others go.
func testNonPatient(t *testing.T, p *parts) {
	studies := p.study(t, "1.2.1", 4)
	files := map[dicom.Ref][]byte{}
	batch := p.Batch("")
	for _, ds := range nonPatients(1) {
		files[ds.Ref()] = fileOf(t, ds)
		if err := batch.Add(t.Context(), bytes.NewReader(files[ds.Ref()])); err != nil {
			t.Fatal(err)
		}
	}
	outcomes, err := batch.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Failure != nil || files[o.Ref] == nil || o.Ref.Resource != dicom.ResourceOf(o.SOPClass) {
			t.Errorf("stored as %+v", o)
		}
	}
	for ref, file := range files {
		p.wantFile(t, ref, file)
		p.wantFile(t, dicom.Ref{Instance: ref.Instance}, file)
		if again := p.ingest(t, file); !again.Duplicate {
			t.Errorf("%s again: %+v", ref.Path(), again)
		}
	}
	p.wantKept(t, len(files)+len(studies))
	p.wantReindexed(t)
	for level, want := range map[match.Level]int{match.Study: 1, match.Instance: len(studies)} {
		if n, err := p.Count(t.Context(), match.Query{Level: level}); err != nil || n != want {
			t.Errorf("a search of the studies finds %d %vs, %v", n, level, err)
		}
	}
	for defect, err := range p.Examine(t.Context(), func(store.BlobID) bool { return true }, nil) {
		t.Errorf("found %+v, %v", defect, err)
	}
	for ref, file := range files {
		p.wantDeleted(t, ref, 1)
		if err := p.Missing(t.Context(), ref); !errors.Is(err, store.ErrGone) {
			t.Errorf("%s, deleted: %v", ref.Path(), err)
		}
		if _, err := p.Restore(t.Context(), store.RemovedQuery{Ref: ref}, false); err != nil {
			t.Errorf("%s: %v", ref.Path(), err)
		}
		p.wantFile(t, ref, file)
	}
	p.wantDeleted(t, dicom.Ref{Resource: "implant-templates"}, 3)
	list, err := p.RecycledStudies(t.Context())
	if err != nil || len(list) != 1 || list[0].Ref != (dicom.Ref{Resource: "implant-templates"}) || list[0].Deleted != 3 {
		t.Errorf("in the recycle bin: %+v, %v", list, err)
	}
	p.wantReindexed(t)
	if n, _, err := p.Purge(t.Context(), store.RemovedQuery{}, -1); n != 3 || err != nil {
		t.Errorf("%d purged, %v", n, err)
	}
	p.wantKept(t, len(files)+len(studies)-3)
	p.wantReindexed(t)
}

// testNonPatientRefusals: an instance lies where its SOP Class says, and nowhere else.
func testNonPatientRefusals(t *testing.T, p *parts) {
	protocol := dicomtest.HangingProtocol("np", "CT").DataSet
	nameless := protocol.Clone()
	nameless.Delete(dicom.SOPInstanceUID)
	image := instance("1.2.1", "1.2.1.1", "1.2.1.1.1", "")
	uid := protocol.UID(dicom.SOPInstanceUID)
	for _, c := range []struct {
		name     string
		ds       *dicom.DataSet
		resource string
		instance dicom.UID
		want     uint16
	}{
		{"in its resource", protocol, "hanging-protocols", "", 0},
		{"at its address", protocol, "hanging-protocols", uid, 0},
		{"at another's address", protocol, "hanging-protocols", "1.2.3", store.ReasonStudyMismatch},
		{"in another resource", protocol, "color-palettes", "", store.ReasonSOPClassUnsupported},
		{"among studies", protocol, dicom.Studies, "", store.ReasonSOPClassUnsupported},
		{"an image", image, "hanging-protocols", "", store.ReasonSOPClassUnsupported},
		{"an image among studies", image, dicom.Studies, "", 0},
		{"without a UID", nameless, "hanging-protocols", "", store.ReasonInvalidUID},
	} {
		b := p.DryRun("").Only(c.resource, c.instance)
		if err := b.Add(t.Context(), bytes.NewReader(fileOf(t, c.ds))); err != nil {
			t.Fatal(err)
		}
		outcomes, err := b.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := uint16(0)
		if f := outcomes[0].Failure; f != nil {
			got = f.Reason
		}
		if got != c.want {
			t.Errorf("%s: reason %04X, want %04X", c.name, got, c.want)
		}
	}
	p.wantKept(t, 0)
}

// testNonPatientRecover leaves behind what crashes do: files before the index knew them, and deletions before the journal did.
func testNonPatientRecover(t *testing.T, p *parts) {
	var files [][]byte
	for _, ds := range nonPatients(1) {
		files = append(files, fileOf(t, ds))
		commit(t, p.blobs, files[len(files)-1])
	}
	if found, err := p.Recover(t.Context()); err != nil || found.Adopted != len(files) || len(found.SetAside) > 0 {
		t.Fatalf("recovered %+v, %v", found, err)
	}
	for i, ds := range nonPatients(1) {
		p.wantFile(t, ds.Ref(), files[i])
	}
	p.wantReindexed(t)
	ref := nonPatients(1)[0].Ref()
	broken := errors.New("broken")
	s := store.New(p.index, silentBlobs{p.blobs, broken}, store.Options{})
	if _, err := s.Delete(context.Background(), ref); !errors.Is(err, broken) {
		t.Errorf("a deletion that is not in the journal: %v", err)
	}
	again := p.with(t, store.Options{})
	again.wantReindexed(t)
	if err := again.Missing(t.Context(), ref); !errors.Is(err, store.ErrGone) {
		t.Errorf("after a restart: %v", err)
	}
}
