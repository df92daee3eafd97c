package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/part10"
	"github.com/noctis-dicom/noctis/store"
)

// Store tests a store.Store over an implementation of its seams. fresh returns new, empty ones, which the test does not close.
func Store(t *testing.T, fresh func(t *testing.T) (store.Index, store.Blobs)) {
	for name, test := range map[string]func(*testing.T, *parts){
		"Ingest":      testIngest,
		"Refusals":    testRefusals,
		"Batch":       testBatch,
		"BrokenOff":   testBrokenOff,
		"Race":        testRace,
		"MissingBlob": testMissingBlob,
		"Recover":     testRecover,
		"RecoverRace": testRecoverRace,
		"Reindex":     testReindex,

		"Delete":         testDelete,
		"Version":        testVersion,
		"StoredAgain":    testStoredAgain,
		"Conflict":       testConflict,
		"DeleteRace":     testDeleteRace,
		"JournalFails":   testJournalFails,
		"PurgeFails":     testPurgeFails,
		"OldIndex":       testOldIndex,
		"OldJournal":     testOldJournal,
		"LostLine":       testLostLine,
		"DamagedJournal": testDamagedJournal,
		"Quota":          testQuota,
		"DryRun":         testDryRun,

		"NonPatient":         testNonPatient,
		"NonPatientRefusals": testNonPatientRefusals,
		"NonPatientRecover":  testNonPatientRecover,
		"NonPatientLimits":   testNonPatientLimits,
	} {
		t.Run(name, func(t *testing.T) {
			index, blobs := fresh(t)
			test(t, &parts{store.New(index, blobs, store.Options{}), index, blobs})
		})
	}
}

// parts are a store and what it is made of.
type parts struct {
	*store.Store
	index store.Index
	blobs store.Blobs
}

// instance is a small image. What differs in bytes but not in UIDs is made by the comment.
func instance(study, series, uid, comment string) *dicom.DataSet {
	ds := &dicom.DataSet{}
	ds.SetStrings(dicom.SOPClassUID, dicom.UI, "1.2.840.10008.5.1.4.1.1.7")
	ds.SetStrings(dicom.SOPInstanceUID, dicom.UI, uid)
	ds.SetStrings(dicom.StudyDate, dicom.DA, "20240229")
	ds.SetStrings(dicom.Modality, dicom.CS, "OT")
	ds.SetStrings(dicom.PatientName, dicom.PN, "Doe^Jane")
	ds.SetStrings(dicom.StudyInstanceUID, dicom.UI, study)
	ds.SetStrings(dicom.SeriesInstanceUID, dicom.UI, series)
	ds.SetStrings(dicom.ImageComments, dicom.LT, comment)
	ds.SetInts(dicom.SamplesPerPixel, dicom.US, 1)
	ds.SetStrings(dicom.PhotometricInterpretation, dicom.CS, "MONOCHROME2")
	ds.SetInts(dicom.Rows, dicom.US, 4)
	ds.SetInts(dicom.Columns, dicom.US, 4)
	ds.SetInts(dicom.BitsAllocated, dicom.US, 8)
	ds.SetInts(dicom.BitsStored, dicom.US, 8)
	ds.SetInts(dicom.HighBit, dicom.US, 7)
	ds.SetInts(dicom.PixelRepresentation, dicom.US, 0)
	ds.Set(dicom.Element{Tag: dicom.PixelData, VR: dicom.OW, Value: dicom.Bytes(random(16, uint64(len(uid))))})
	return ds
}

func fileOf(t testing.TB, ds *dicom.DataSet) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := part10.Write(&b, ds, part10.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (p *parts) ingest(t testing.TB, file []byte) store.Receipt {
	t.Helper()
	receipt, err := p.Ingest(context.Background(), bytes.NewReader(file), "")
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// wantKept checks that there are that many instances, and a blob for each and no other.
func (p *parts) wantKept(t *testing.T, n int) {
	t.Helper()
	entries, blobs := collect(t, p.Entries(t.Context(), dicom.Ref{})), collect(t, p.blobs.List(t.Context()))
	if len(entries) != n || len(blobs) != n {
		t.Errorf("%d instances and %d blobs are kept, want %d", len(entries), len(blobs), n)
	}
}

func (p *parts) wantFile(t *testing.T, r dicom.Ref, file []byte) {
	t.Helper()
	for e, err := range p.Entries(t.Context(), r) {
		if err != nil {
			t.Fatal(err)
		}
		in, err := p.Open(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if got, err := io.ReadAll(in.File()); err != nil || !bytes.Equal(got, file) {
			t.Errorf("%s comes back as %d other bytes (%v)", r.Path(), len(got), err)
		}
		return
	}
	t.Errorf("%s is not there", r.Path())
}

func testIngest(t *testing.T, p *parts) {
	ds := instance("1.2.1", "1.2.1.1", "1.2.1.1.1", "")
	file := fileOf(t, ds)
	for i := range 2 {
		r, err := p.Ingest(t.Context(), bytes.NewReader(file), "1.2.1")
		if err != nil {
			t.Fatal(err)
		}
		if r.Ref != ds.Ref() || r.SOPClass != ds.UID(dicom.SOPClassUID) || r.TransferSyntax != dicom.ExplicitVRLittleEndian ||
			r.Size != int64(len(file)) || r.Duplicate != (i == 1) {
			t.Errorf("receipt %+v", r)
		}
	}
	p.wantFile(t, ds.Ref(), file)
	p.wantKept(t, 1)
	in, err := p.Open(t.Context(), collect(t, p.Entries(t.Context(), ds.Ref()))[0])
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	frame, err := in.Frame(1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(frame); err != nil || !bytes.Equal(got, random(16, 9)) {
		t.Errorf("frame: %x %v", got, err)
	}
	if got, err := in.DataSet(t.Context()); err != nil || got.String(dicom.PatientName) != "Doe^Jane" || got.Ref() != ds.Ref() {
		t.Errorf("data set: %v %v", got, err)
	}
}

func testRefusals(t *testing.T, p *parts) {
	stored := instance("1.2.1", "1.2.1.1", "1.2.1.1.1", "")
	p.ingest(t, fileOf(t, stored))
	good := fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.2", ""))
	with := func(tag dicom.Tag, values ...string) []byte {
		ds := instance("1.2.1", "1.2.1.1", "1.2.1.1.2", "")
		ds.SetStrings(tag, dicom.UI, values...)
		return fileOf(t, ds)
	}
	for name, c := range map[string]struct {
		file     []byte
		study    dicom.UID
		reason   uint16
		says     string
		instance dicom.UID
	}{
		"other study":             {good, "1.2.9", store.ReasonStudyMismatch, "1.2.9", "1.2.1.1.2"},
		"no study":                {with(dicom.StudyInstanceUID, ""), "", store.ReasonInvalidUID, "(0020,000D) is missing", "1.2.1.1.2"},
		"no series":               {with(dicom.SeriesInstanceUID, ""), "", store.ReasonInvalidUID, "(0020,000E) is missing", "1.2.1.1.2"},
		"no class":                {with(dicom.SOPClassUID, ""), "", store.ReasonInvalidUID, "(0008,0016) is missing", "1.2.1.1.2"},
		"letters":                 {with(dicom.StudyInstanceUID, "1.2.x"), "", store.ReasonInvalidUID, "(0020,000D) is not a UID", "1.2.1.1.2"},
		"a path":                  {with(dicom.SOPInstanceUID, "../../etc/x"), "", store.ReasonInvalidUID, "(0008,0018) is not a UID", ""},
		"too long":                {with(dicom.SeriesInstanceUID, strings.Repeat("1.", 32)+"1"), "", store.ReasonInvalidUID, "(0020,000E)", "1.2.1.1.2"},
		"two studies":             {with(dicom.StudyInstanceUID, "1.2.1", "1.2.2"), "", store.ReasonInvalidUID, "(0020,000D) has more than one", "1.2.1.1.2"},
		"empty":                   {nil, "", store.ReasonCannotUnderstand, "", ""},
		"no DICOM":                {[]byte("<html><body>Log in</body></html>"), "", store.ReasonCannotUnderstand, "not a DICOM file", ""},
		"cut off":                 {good[:len(good)-7], "", store.ReasonCannotUnderstand, "truncated", ""},
		"other bytes":             {fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.1", "changed")), "", store.ReasonDuplicateInstance, "other bytes", "1.2.1.1.1"},
		"the same UID, elsewhere": {fileOf(t, instance("1.2.7", "1.2.7.1", "1.2.1.1.1", "")), "", store.ReasonDuplicateInstance, "other bytes", "1.2.1.1.1"},
	} {
		_, err := p.Ingest(t.Context(), bytes.NewReader(c.file), c.study)
		var f *store.Failure
		switch {
		case !errors.As(err, &f):
			t.Errorf("%s: %v", name, err)
		case f.Reason != c.reason || f.Instance != c.instance || !strings.Contains(f.Error(), c.says):
			t.Errorf("%s: reason %04X, instance %q, %v", name, f.Reason, f.Instance, f)
		case strings.Contains(f.Error(), "Doe"):
			t.Errorf("%s: patient data in %q", name, f.Error())
		}
	}
	p.wantKept(t, 1)
	p.wantFile(t, stored.Ref(), fileOf(t, stored))
}

// testBatch stores more than a batch holds at once, with every kind of outcome.
func testBatch(t *testing.T, p *parts) {
	p.ingest(t, fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.999", "")))
	b := p.Batch("1.2.1")
	defer b.Cancel()
	var want []string
	add := func(outcome string, file []byte) {
		t.Helper()
		if err := b.Add(t.Context(), bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
		want = append(want, outcome)
	}
	for i := range 150 {
		uid := fmt.Sprintf("1.2.1.1.%d", i)
		add("stored", fileOf(t, instance("1.2.1", "1.2.1.1", uid, "")))
		switch i % 10 {
		case 1:
			add("duplicate", fileOf(t, instance("1.2.1", "1.2.1.1", uid, "")))
		case 2:
			add("0111", fileOf(t, instance("1.2.1", "1.2.1.1", uid, "changed")))
		case 3:
			add("C000", []byte("no DICOM"))
		case 4:
			add("A901", fileOf(t, instance("1.2.2", "1.2.2.1", uid, "")))
		case 5:
			add("duplicate", fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.999", "")))
		}
	}
	outcomes, err := b.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range outcomes {
		switch {
		case o.Failure != nil:
			got = append(got, fmt.Sprintf("%04X", o.Failure.Reason))
		case o.Duplicate:
			got = append(got, "duplicate")
		default:
			got = append(got, "stored")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("outcomes:\n got %v\nwant %v", got, want)
	}
	p.wantKept(t, 151)
	b.Cancel()
	p.wantKept(t, 151)
}

// testBrokenOff cuts an upload off in its second part.
func testBrokenOff(t *testing.T, p *parts) {
	b := p.Batch("")
	defer b.Cancel()
	first := instance("1.2.1", "1.2.1.1", "1.2.1.1.1", "")
	if err := b.Add(t.Context(), bytes.NewReader(fileOf(t, first))); err != nil {
		t.Fatal(err)
	}
	second := fileOf(t, instance("1.2.1", "1.2.1.1", "1.2.1.1.2", ""))
	broken := errors.New("connection reset")
	for _, n := range []int{0, 1, 200, len(second) - 1, len(second)} {
		r := io.MultiReader(bytes.NewReader(second[:n]), iotest.ErrReader(broken))
		if err := b.Add(t.Context(), r); !errors.Is(err, broken) {
			t.Errorf("cut off after %d bytes: %v", n, err)
		}
	}
	rubbish := io.MultiReader(strings.NewReader("no DICOM"), iotest.ErrReader(broken))
	if err := b.Add(t.Context(), rubbish); !errors.Is(err, broken) {
		t.Errorf("cut off behind a fault: %v", err)
	}
	outcomes, err := b.Commit(t.Context())
	if err != nil || outcomes[0].Failure != nil || outcomes[0].Ref != first.Ref() {
		t.Errorf("outcomes %+v, %v", outcomes, err)
	}
	p.wantKept(t, 1)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Ingest(ctx, bytes.NewReader(second), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	c := p.Batch("")
	if err := c.Add(t.Context(), bytes.NewReader(second)); err != nil {
		t.Fatal(err)
	}
	c.Cancel()
	p.wantKept(t, 1)
}

// testRace stores the same and different bytes under one UID from many goroutines.
func testRace(t *testing.T, p *parts) {
	const goroutines = 32
	for round := range 6 {
		uid := fmt.Sprintf("1.2.1.1.%d", round)
		files := make([][]byte, goroutines)
		for i := range files {
			comment := ""
			if round%2 == 1 {
				comment = strings.Repeat("x", i)
			}
			files[i] = fileOf(t, instance("1.2.1", "1.2.1.1", uid, comment))
		}
		outcomes := make([]store.Outcome, goroutines)
		var group sync.WaitGroup
		for i := range files {
			group.Go(func() {
				r, err := p.Ingest(t.Context(), bytes.NewReader(files[i]), "")
				if outcomes[i].Receipt = r; err != nil && !errors.As(err, &outcomes[i].Failure) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		winner, duplicates, failures := -1, 0, 0
		for i, o := range outcomes {
			switch {
			case o.Failure != nil:
				failures++
			case o.Duplicate:
				duplicates++
			case winner >= 0:
				t.Fatalf("both %d and %d were stored", winner, i)
			default:
				winner = i
			}
		}
		if winner < 0 || round%2 == 0 && failures > 0 || round%2 == 1 && duplicates > 0 {
			t.Fatalf("winner %d, %d duplicates, %d failures", winner, duplicates, failures)
		}
		p.wantFile(t, dicom.Ref{Instance: dicom.UID(uid)}, files[winner])
		p.wantKept(t, round+1)
	}
}

// testMissingBlob takes a file away: the answer says so, and storing the instance again mends it.
func testMissingBlob(t *testing.T, p *parts) {
	ds := instance("1.2.1", "1.2.1.1", "1.2.1.1.1", "")
	file := fileOf(t, ds)
	r := p.ingest(t, file)
	if err := p.blobs.Remove(t.Context(), r.Digest); err != nil {
		t.Fatal(err)
	}
	e := collect(t, p.Entries(t.Context(), r.Ref))[0]
	if _, err := p.Open(t.Context(), e); !errors.Is(err, store.ErrBlobMissing) || !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the file is missing: %v", err)
	}
	if r := p.ingest(t, file); !r.Duplicate {
		t.Error("no duplicate")
	}
	p.wantFile(t, r.Ref, file)
	p.wantKept(t, 1)
	e.Size++
	if _, err := p.Open(t.Context(), e); !errors.Is(err, store.ErrBlobDamaged) {
		t.Errorf("a file of another length: %v", err)
	}
}
