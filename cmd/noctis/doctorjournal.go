package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/durable"
	"github.com/noctis-dicom/noctis/store"
	"github.com/noctis-dicom/noctis/store/sqlite"
)

// journalFile is what was deleted.
func journalFile(data string) string { return filepath.Join(blobFolder(data), "journal") }

// clearWay moves aside what has the name of the journal or of the index, and is no file: nothing could be opened.
func (p *patient) clearWay() error {
	for _, path := range []string{journalFile(p.Data), indexFile(p.Data)} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() {
			continue
		}
		aside := filepath.Join(p.aside(), filepath.Base(path))
		if err := errors.Join(durable.MkdirAll(p.aside()), os.Rename(path, aside)); err != nil {
			return err
		}
		kind := map[bool]string{true: journal, false: dataBase}[path == journalFile(p.Data)]
		p.told = append(p.told, &finding{Kind: kind, Detail: filepath.Base(path) + " is no file", Mended: "moved to " + aside})
	}
	return nil
}

// examineJournal reads what was deleted. A line that is being written has no end yet.
func (p *patient) examineJournal() {
	text, err := os.ReadFile(journalFile(p.Data))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.d.find(journal, "it cannot be read: %v", err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		line, ended := strings.CutSuffix(line, "\n")
		if n++; ended && !store.IsRecord(line) {
			p.d.find(journal, "line %d of blobs/journal is none", n)
		}
	}
}

// examineDiscord compares index and journal. What a running server has just committed it may be about to write.
func (p *patient) examineDiscord(ctx context.Context, s *store.Store) error {
	if p.d.has(journal) {
		return nil
	}
	d, err := s.Discord(ctx)
	if err != nil {
		return errors.Join(ctx.Err()) // what is wrong with them is told already
	}
	if p.d.Live {
		d.Lacking = slices.DeleteFunc(d.Lacking, func(r store.Record) bool { return time.Since(r.Time) < underWay })
	}
	if n := len(d.Lacking); n > 0 {
		p.d.find(journal, "it lacks %d records that the index has: an index made of the files would bring back what was deleted", n)
	}
	if n := len(d.Undone); n > 0 && !p.d.Live {
		p.d.find(outdated, "it does not know %d records: it is an older copy, or has forgotten what was deleted", n)
	}
	return nil
}

// mendJournal keeps the lines that can be read, adds those that the backup has, and makes journal and index agree.
func (p *patient) mendJournal(ctx context.Context) error {
	told := "the journal says again what the index says"
	if slices.ContainsFunc(p.d.Findings, func(f *finding) bool { return f.Kind == journal && strings.HasPrefix(f.Detail, "line ") }) {
		old, err := p.blobs.MendJournal(p.aside(), store.IsRecord)
		if err != nil {
			return err
		}
		told = "left out; the old journal is " + old
	}
	if err := p.recall(ctx); err != nil {
		return err
	}
	if !p.d.has(dataBase) {
		if err := p.agree(ctx); err != nil {
			return err
		}
	}
	for _, f := range p.d.Findings {
		switch f.Kind {
		case journal:
			f.Mended = told
		case outdated:
			f.Mended = "what the journal says was done again"
		}
	}
	return nil
}

// agree makes index and journal agree.
func (p *patient) agree(ctx context.Context) error {
	index, err := sqlite.Open(ctx, indexFile(p.Data))
	if err != nil {
		return err
	}
	return errors.Join(store.New(index, p.blobs, store.Options{}).Agree(ctx), index.Close())
}

// recall adds the lines of the last backup's journal that the journal has lost: it is only added to.
func (p *patient) recall(ctx context.Context) error {
	_, folder := p.lastBackup()
	if folder == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(folder, "journal"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	there := map[string]bool{}
	for line, err := range p.blobs.Records(ctx) {
		if err != nil {
			return err
		}
		there[line] = true
	}
	var lost []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); !there[line] && store.IsRecord(line) {
			lost = append(lost, line)
		}
	}
	if len(lost) > 0 {
		p.d.note("%d records of the journal were taken from the backup", len(lost))
	}
	return errors.Join(err, p.blobs.Record(ctx, lost...))
}

// takeNamed takes from the last backup the files that its index names and that are not there, where the own index cannot tell which are missing: one that
// is made anew would not know that they ever were. What was deleted since is in the journal.
func (p *patient) takeNamed(ctx context.Context) error {
	m, folder := p.lastBackup()
	if m == nil || !p.d.has(dataBase) && !p.d.has(string(store.EntryBroken)) {
		return nil
	}
	index, err := sqlite.OpenReading(ctx, filepath.Join(folder, "index.db"))
	if err != nil {
		p.d.note("which files are missing cannot be told: the index of the backup cannot be read, either: %v", err)
		return ctx.Err()
	}
	defer index.Close()
	taken := 0
	take := func(e *store.Entry) error {
		f := &finding{defect: store.Defect{Blob: e.Blob}}
		err := p.mendMissing(ctx, f)
		if f.Mended != "" {
			taken++
			err = errors.Join(err, p.blobs.SetStored(e.Blob, e.Stored))
		}
		return err
	}
	for e, err := range index.Entries(ctx, dicom.Ref{}) {
		if err == nil {
			err = take(e)
		}
		if err != nil {
			return err
		}
	}
	for r, err := range index.Removed(ctx, store.RemovedQuery{}) {
		if err == nil {
			err = take(r.Entry)
		}
		if err != nil {
			return err
		}
	}
	if taken > 0 {
		p.d.note("%d files that were missing were taken from the backup of %s, whose index names them", taken, m.At.Format(time.RFC3339))
	}
	return nil
}

// lastBackup is the last of the backups that were named, "" if there is none: perhaps only the files of one are there.
func (p *patient) lastBackup() (m *manifest, folder string) {
	if p.Backup == "" {
		return nil, ""
	}
	names, err := restoreCommand{Source: p.Backup}.backups()
	if err != nil || len(names) == 0 {
		return nil, ""
	}
	folder = filepath.Join(backupsFolder(p.Backup), names[len(names)-1])
	if m, err = readManifest(folder); err == nil && len(m.damaged) > 0 {
		err = errors.New(strings.Join(m.damaged, ", "))
	}
	if err != nil {
		p.d.note("the last backup is damaged, and only its files are used: %v", err)
		return nil, ""
	}
	return m, folder
}
