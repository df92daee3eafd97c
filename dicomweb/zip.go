package dicomweb

import (
	"archive/zip"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/fileset"
	"github.com/noctis-dicom/noctis/store"
)

// mediaZip is the media type of a file set in a ZIP archive (Supplement 211).
const mediaZip = "application/zip"

// zipOffers turns the offers of files into those of an archive of them.
func zipOffers(files []offer) []offer {
	files = slices.Clone(files)
	for i := range files {
		files[i].mediaType = mediaZip
	}
	return files
}

// sendZip sends files as a file set (PS3.10 8): each below DICOM/ with a name of PS3.10 8.2, and a DICOMDIR. It is written as it is
// made, so that nobody knows its length beforehand; files are stored as they are, since pixels hardly get shorter.
func (s *Server) sendZip(w http.ResponseWriter, r *http.Request, ref dicom.Ref, entries []*store.Entry, chosen []offer) error {
	tags := []string{mediaZip, ref.Path()}
	for i, e := range entries {
		tags = append(tags, s.fileTag(e, chosen[i]))
	}
	etag := entityTag(tags...)
	w.Header().Set("Content-Location", s.baseURL(r)+ref.Path())
	if done, err := answered(w, r, etag, newest(entries), byCharset); done {
		return err
	}
	if err := s.checkOpenable(r.Context(), entries); err != nil {
		return err
	}
	deepest := string(ref.Study)
	for _, uid := range []dicom.UID{ref.Series, ref.Instance} {
		if uid != "" {
			deepest = string(uid)
		}
	}
	w.Header().Set("Content-Type", mediaZip)
	w.Header().Set("Content-Disposition", `attachment; filename="`+deepest+`.zip"`)
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	archive := zip.NewWriter(w)
	index := fileset.NewDirectory(etag)
	for i, e := range entries {
		if err := s.zipFile(r, archive, index, e, chosen[i], filePath(entries, i)); err != nil {
			return fmt.Errorf("file %d of %d: %w", i+1, len(entries), err)
		}
	}
	file, err := archive.CreateHeader(zipHeader("DICOMDIR", newest(entries)))
	if err != nil {
		return err
	}
	if err := index.Write(file); err != nil {
		return fmt.Errorf("DICOMDIR: %w", err)
	}
	return archive.Close()
}

// zipFile writes one file into the archive and its record into the directory.
func (s *Server) zipFile(r *http.Request, archive *zip.Writer, index *fileset.Directory, e *store.Entry, chosen offer, path []string) error {
	var held store.Holding // of one file at a time: the directory keeps none of its data set
	defer held.Release()
	ds, err := s.heldDataSet(r.Context(), &held, e)
	if err != nil {
		return err
	}
	body, err := s.filePart("", e, chosen).open(r.Context())
	if err != nil {
		return err
	}
	defer body.Close()
	ts := chosen.transferSyntax
	if body.contentType != "" {
		ts = e.TransferSyntax
	}
	if err := index.Add(ds, path, ts); err != nil {
		return err
	}
	held.Release() // before it is sent, which takes as long as the client wants
	file, err := archive.CreateHeader(zipHeader(strings.Join(path, "/"), e.Stored))
	if err != nil {
		return err
	}
	_, err = body.copyTo(file, make([]byte, copyBuffer))
	return err
}

func zipHeader(name string, modified time.Time) *zip.FileHeader {
	return &zip.FileHeader{Name: name, Method: zip.Store, Modified: modified.UTC()}
}

// filePath is the File ID of an entry: at most eight characters in each component (PS3.10 8.2). Series are numbered through.
func filePath(entries []*store.Entry, i int) []string {
	series := 1
	for k := 1; k <= i; k++ {
		if entries[k].Ref.Series != entries[k-1].Ref.Series {
			series++
		}
	}
	return []string{"DICOM", fmt.Sprintf("S%06d", series), fmt.Sprintf("I%07d", i+1)}
}
