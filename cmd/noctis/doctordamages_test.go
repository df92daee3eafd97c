package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/noctis-dicom/noctis/internal/dicomtest"
)

// damage is what happens to a data folder. mendable: without a backup.
type damage struct {
	name, found string
	mendable    bool
	do          func(*ward)
}

var damages = []damage{
	{"missing file", "file missing", false, func(w *ward) { w.check(os.Remove(w.blob(1))) }},
	{"truncated file", "file damaged", false, func(w *ward) { w.check(os.Truncate(w.blob(1), 300)) }},
	{"emptied file", "file damaged", false, func(w *ward) { w.check(os.Truncate(w.blob(1), 0)) }},
	{"flipped bit", "file damaged", false, func(w *ward) {
		bad := bytes.Clone(w.files[1])
		bad[len(bad)-7] ^= 4
		w.write(w.blob(1), bad)
	}},
	{"longer file", "file damaged", false, func(w *ward) { w.write(w.blob(1), append(bytes.Clone(w.files[1]), 0)) }},
	{"rotten text and removed workitems", "file damaged", false, func(w *ward) {
		w.rot(1)
		w.sql("PRAGMA foreign_keys = OFF; DELETE FROM workitem WHERE state = 'SCHEDULED'")
	}},
	{"copy of one file over another, which is gone, and a removed series row", "file damaged", false, func(w *ward) {
		w.write(w.blob(1), w.files[3])
		w.check(os.Remove(w.blob(3)))
		w.sql("PRAGMA foreign_keys = OFF; DELETE FROM series WHERE id = 1")
	}},
	{"copy of a file under a wrong name", "file damaged", true, func(w *ward) { w.write(w.blobOf([]byte("other")), w.files[1]) }},
	{"truncated file, another missing, and metadata that cannot be read before both", "file damaged", false, func(w *ward) {
		w.check(os.Truncate(w.blob(5), 300))
		w.check(os.Remove(w.blob(7)))
		w.sql("UPDATE instance_metadata SET json = x'00' WHERE instance_id = 1")
	}},
	{"swapped files", "file damaged", true, func(w *ward) {
		w.write(w.blob(1), w.files[2])
		w.write(w.blob(2), w.files[1])
	}},
	{"renamed file", "file missing", true, func(w *ward) {
		other := fmt.Sprintf("%x", sha256.Sum256([]byte("other")))
		w.check(os.Rename(w.blob(1), filepath.Join(blobFolder(w.data), other[:2], other+".dcm")))
	}},
	{"added instance", "file without an entry", true, func(w *ward) {
		w.files = append(w.files, dicomtest.Image{Study: "ward0", Number: 11}.File())
		w.write(w.blob(10), w.files[10])
	}},
	{"added rubbish", "file of no instance", true, func(w *ward) {
		w.write(w.blobOf([]byte("rubbish")), []byte("rubbish"))
	}},
	{"another file with a UID that is taken", "file of no instance", true, func(w *ward) {
		file := dicomtest.Image{Study: "ward0", Number: 1, Rows: 8}.File()
		w.write(w.blobOf(file), file)
	}},
	{"stray file", "file that is no blob", true, func(w *ward) { w.write(filepath.Join(blobFolder(w.data), "00", "notes.txt"), []byte("x")) }},
	{"file in the wrong folder", "file that is no blob", true, func(w *ward) {
		w.check(os.MkdirAll(filepath.Join(blobFolder(w.data), "zz"), 0o700))
		w.check(os.Rename(w.blob(1), filepath.Join(blobFolder(w.data), "zz", filepath.Base(w.blob(1)))))
	}},
	{"name in capitals", "file missing", true, func(w *ward) {
		folder, name := filepath.Split(w.blob(1))
		w.check(os.Rename(w.blob(1), filepath.Join(folder, strings.ToUpper(strings.TrimSuffix(name, ".dcm"))+".dcm")))
	}},
	{"link to nothing", "file missing", false, func(w *ward) {
		w.check(os.Remove(w.blob(1)))
		w.check(os.Symlink("/nowhere/at/all", w.blob(1)))
	}},
	{"link to nothing beside the files", "file that is no blob", true, func(w *ward) {
		w.check(os.Symlink("/nowhere/at/all", filepath.Join(blobFolder(w.data), "00", "x.dcm")))
	}},
	{"folder instead of a file", "file missing", false, func(w *ward) {
		w.check(os.Remove(w.blob(1)))
		w.check(os.Mkdir(w.blob(1), 0o700))
	}},
	{"journal with a line that is none", "journal of deletions damaged", true, func(w *ward) {
		w.write(filepath.Join(blobFolder(w.data), "journal"), []byte("garbage\nmore of it\n"))
	}},
	{"folder of a command that was killed", "folder of a command that was killed", true, func(w *ward) {
		w.check(os.Mkdir(filepath.Join(w.data, "reindex-123"), 0o700))
		w.write(filepath.Join(w.data, "reindex-123", "index.db"), []byte("x"))
	}},
	{"upload cut off", "upload that was cut off", true, func(w *ward) { w.write(filepath.Join(blobFolder(w.data), "tmp", "123"), []byte("x")) }},
	{"file that all may read", "others may read it", true, func(w *ward) { w.check(os.Chmod(w.blob(1), 0o644)) }},
	{"removed instance row", "file without an entry", true, func(w *ward) {
		w.sql("DELETE FROM instance_metadata WHERE instance_id = 3")
		w.sql("DELETE FROM instance WHERE id = 3")
	}},
	{"removed metadata row", "index cannot be read", true, func(w *ward) { w.sql("DELETE FROM instance_metadata WHERE instance_id = 3") }},
	{"changed layout", "index cannot be read", true, func(w *ward) { w.sql("UPDATE instance SET layout = x'00' WHERE id = 3") }},
	{"changed transfer syntax", "entry differs", true, func(w *ward) { w.sql("UPDATE instance SET transfer_syntax = '1.2.3' WHERE id = 3") }},
	{"wrong count of a study", "index differs from the files", true, func(w *ward) { w.sql("UPDATE study SET instance_count = 77 WHERE id = 1") }},
	{"removed series row", "database damaged", true, func(w *ward) { w.sql("PRAGMA foreign_keys = OFF; DELETE FROM series WHERE id = 1") }},
	{"database of random bytes", "database damaged", true, func(w *ward) {
		noise := make([]byte, 64<<10)
		rand.NewChaCha8([32]byte{1}).Read(noise) //nolint:errcheck // it never fails
		w.write(indexFile(w.data), noise)
	}},
	{"random page in the database", "database damaged", true, func(w *ward) {
		content, err := os.ReadFile(indexFile(w.data))
		w.check(err)
		for page := 2; page < len(content)/4096; page++ {
			rand.NewChaCha8([32]byte{2}).Read(content[page*4096+100 : (page+1)*4096]) //nolint:errcheck // it never fails
		}
		w.write(indexFile(w.data), content)
	}},
	{"truncated database", "database damaged", true, func(w *ward) { w.check(os.Truncate(indexFile(w.data), 40000)) }},
	{"no database", "database damaged", true, func(w *ward) { w.check(os.Remove(indexFile(w.data))) }},
	{"empty database", "database damaged", true, func(w *ward) { w.check(os.Truncate(indexFile(w.data), 0)) }},
	{"deleted file missing", "file missing", false, func(w *ward) { w.check(os.Remove(w.blobOf(w.deleted))) }},
	{"rotten deleted file", "file damaged", false, func(w *ward) { w.write(w.blobOf(w.deleted), w.deleted[1:]) }},
	{"pipe instead of a file", "file missing", false, func(w *ward) {
		w.check(os.Remove(w.blob(1)))
		w.check(syscall.Mkfifo(w.blob(1), 0o600))
	}},
	{"link to itself", "file missing", false, func(w *ward) {
		w.check(os.Remove(w.blob(1)))
		w.check(os.Symlink(w.blob(1), w.blob(1)))
	}},
	{"stray files of one name", "file that is no blob", true, func(w *ward) {
		for _, folder := range []string{"00", "01"} {
			w.write(filepath.Join(blobFolder(w.data), folder, "notes.txt"), []byte(folder))
		}
	}},
	{"folder among the uploads", "file that is no blob", true, func(w *ward) {
		w.check(os.MkdirAll(filepath.Join(blobFolder(w.data), "tmp", "a", "b"), 0o700))
		w.write(filepath.Join(blobFolder(w.data), "tmp", "a", "b", "c"), []byte("x"))
	}},
	{"no journal", "journal of deletions damaged", true, func(w *ward) { w.check(os.Remove(journalFile(w.data))) }},
	{"no journal, and an entry that differs", "journal of deletions damaged", true, func(w *ward) {
		w.check(os.Remove(journalFile(w.data)))
		w.sql("UPDATE instance SET transfer_syntax = '1.2.3' WHERE id = 3")
	}},
	{"empty journal", "journal of deletions damaged", true, func(w *ward) { w.write(journalFile(w.data), nil) }},
	{"journal cut off", "journal of deletions damaged", true, func(w *ward) { w.check(os.Truncate(journalFile(w.data), 100)) }},
	{"folder instead of the journal", "journal of deletions damaged", true, func(w *ward) {
		w.check(os.Remove(journalFile(w.data)))
		w.check(os.Mkdir(journalFile(w.data), 0o700))
	}},
	{"forgotten deletion", "index older than the journal", true, func(w *ward) {
		w.sql("DELETE FROM removed")
	}},
	{"older copy of the index", "index older than the journal", true, func(w *ward) {
		w.sql("DELETE FROM removed")
		w.sql("UPDATE state SET record = 0")
	}},
	{"folder instead of the database", "database damaged", true, func(w *ward) {
		w.check(os.Remove(indexFile(w.data)))
		w.check(os.Mkdir(indexFile(w.data), 0o700))
	}},
	{"database of something else", "database damaged", true, func(w *ward) {
		w.check(os.Remove(indexFile(w.data)))
		w.write(indexFile(w.data), nil)
		w.sql("CREATE TABLE other (a)")
	}},
	{"write-ahead log of something else", "database damaged", true, func(w *ward) {
		path := filepath.Join(w.t.TempDir(), "other.db")
		db, err := sql.Open("sqlite3", path+"?_journal_mode=WAL")
		w.check(err)
		defer db.Close()
		_, err = db.Exec("CREATE TABLE other (a); INSERT INTO other VALUES (zeroblob(1000))")
		w.check(err)
		log, err := os.ReadFile(path + "-wal")
		w.check(err)
		w.write(indexFile(w.data)+"-wal", log)
	}},
	{"database without an index", "database damaged", true, func(w *ward) { w.sql("DROP INDEX instance_order") }},
	{"database without a trigger", "database damaged", true, func(w *ward) { w.sql("DROP TRIGGER holding_stored") }},
	{"database with a table more", "database damaged", true, func(w *ward) { w.sql("CREATE TABLE other (a)") }},
	{"list of damaged files that is none", "small file damaged", true, func(w *ward) { w.write(filepath.Join(w.data, damagedFile), []byte("x\n")) }},
	{"removed workitem", "study without a reading workitem", true, func(w *ward) { w.sql("DELETE FROM workitem WHERE state = 'SCHEDULED'") }},
}
