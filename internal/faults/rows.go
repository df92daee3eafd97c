//go:build linux

package main

import "strings"

// row is a fault. short and long are how often it is tried in the two forms; 0: not in that form.
type row struct {
	name, how   string
	short, long int
	root        bool // the kernel wants root for it
	control     bool // it must lose
	run         func(*lab) error
}

var rows = []row{
	{name: "kill -9", how: "SIGKILL at a random moment while 4 clients upload, when a random number of instances has been acknowledged", short: 10, long: 1000, run: killed},
	{name: "kill at every step", how: "SIGKILL at each fail point of the write path, at its 1st to Nth time, one instance, 12, and one of no patient a request", short: 1, long: 6, run: killedAtSteps},
	{name: "killed migration", how: "SIGKILL at a random moment of the first start, which migrates an empty index; and at each statement of each migration, of an index that the one before left", short: 5, long: 100, run: killedMigration},
	{name: "crash of a large store", how: "SIGKILL while 4 clients upload into a store of 5,000 instances for each time tried", short: 0, long: 4, run: killedLarge},
	{name: "clock that jumps", how: "the time of the wall jumps every 200 ms, by a second to ten years, forth and back, while 4 clients upload; then SIGKILL, and a start with the right time", short: 0, long: 10, run: clockJumps},
	{name: "power cut", how: "EXT4_IOC_SHUTDOWN without flushing the journal on a loop-mounted ext4, while 4 clients upload; then SIGKILL, unmount, mount", short: 3, long: 200, root: true, run: powerCut},
	{name: "power cut without a journal", how: "the same with an ext4 made without a journal, as virtual machines have it; e2fsck before it is mounted", short: 1, long: 50, root: true, run: powerCutNoJournal},
	{name: "control: power cut without syncs", how: "the same, with --unsafe-no-sync: it must lose", short: 2, long: 10, root: true, control: true, run: powerCutUnsynced},
	{name: "every prefix of the block writes", how: "a disk that writes down every block: ten instances are stored, then the disk is mounted as it was after each single write", short: 1, long: 2, root: true, run: everyPrefix},
	{name: "control: prefixes without syncs", how: "the same, with --unsafe-no-sync: it must lose", short: 1, long: 1, root: true, control: true, run: everyPrefixUnsynced},
	{name: "torn and lost writes", how: "the same, up to a random write, of what came after the last flush each write whole, lost or cut at a sector", short: 5, long: 300, root: true, run: torn},
	{name: "disk full of bytes", how: "tmpfs of 12 MB: stored until 10 requests are refused, all checked, space freed, stored again", short: 1, long: 5, root: true, run: fullOfBytes},
	{name: "disk full of files", how: "tmpfs of 330 inodes, the same", short: 1, long: 5, root: true, run: fullOfFiles},
	{name: "disk of the blobs full", how: "tmpfs of 8 MB for the blobs alone, the same", short: 0, long: 5, root: true, run: fullForBlobs},
	{name: "disk of the index full", how: "tmpfs of 2 MB for the index alone, the same", short: 0, long: 5, root: true, run: fullForIndex},
	{name: "EIO on write", how: "a block device that refuses every write from a moment on, below all of the store, the blobs, the index", short: 1, long: 10, root: true, run: writeErrors},
	{name: "EIO on fsync", how: "the same, of every flush", short: 1, long: 10, root: true, run: flushErrors},
	{name: "EIO on read", how: "the same, of every read, with nothing in memory; then it can be read again", short: 1, long: 10, root: true, run: readErrors},
	{name: "read-only disk", how: "an error of another program makes ext4 read-only (errors=remount-ro), that of all of the store, the blobs, the index", short: 0, long: 5, root: true, run: readOnly},
	{name: "hung disk", how: "a block device that answers nothing while 8 clients upload, and goes on later", short: 1, long: 2, root: true, run: hungDisk},
	{name: "flipped bit", how: "one bit in each fourth of the files, on the disk; found by reading all files again, a minute after the start; reads, doctor, metric", short: 0, long: 10, root: true, run: flippedBit},
	{name: "truncated upload", how: "cut at, before and after each boundary and within parts; by close, half close and reset", short: 1, long: 5, run: truncated},
	{name: "one file from many", how: "32 clients store the same file at once: all are told that it is stored, and it is there once", short: 5, long: 200, run: sameFile},
	{name: "one UID for many files", how: "32 clients store different files under one UID at once: one is stored, the others are refused with a reason", short: 5, long: 100, run: sameUID},
	{name: "damaged index", how: "pages of random bytes, cut off, without its WAL, with that of another, an old copy, gone: the server refuses it or serves what is right; doctor --fix makes it whole", short: 7, long: 140, run: damagedIndex},
	{name: "diverged index", how: "behind the back of the running server a file is removed, one is added, an instance is added, a row is removed, two files are swapped: what is served is right or an error; doctor finds it beside the server, and doctor --fix --backup makes it whole", short: 5, long: 100, run: diverged},
	{name: "another tenant's key", how: "the key of one tenant for every address of another one's archive, with all methods, in 13 spellings, over HTTP/1.1 and HTTP/2, by other names of the server: told as of a tenant that there is not, in the same time, and in the audit", short: 1, long: 1, run: otherTenant},
	{name: "slow clients", how: "hundreds of connections: headers that do not end, bodies that do not come, answers that are not read; a bystander stores meanwhile", short: 1, long: 3, run: slow},
	{name: "few descriptors", how: "64 descriptors (prlimit), 500 connections and 8 uploads at once; served again when they have gone", short: 1, long: 5, run: fewFiles},
	{name: "little memory", how: "control group of 256 MiB, page cache included: 8 uploads of 1 GB at once, then 8 study retrievals at once", short: 0, long: 1, root: true, run: littleMemory},
	{name: "readers of long data sets", how: "8 images of 600,000 elements; 8 readers at once of metadata in JSON, filtered and in XML, pictures, thumbnails, transcoded frames, de-identified and transcoded instances, zip archives, readiness, searches by a nested key, for all and for all as XML; then doctor --deep and reindex", short: 0, long: 1, run: longReaders},
}

func init() {
	for _, a := range attacks {
		short := 1
		if a.name == "many elements" || strings.HasPrefix(a.name, "swollen") { // minutes, on a machine that others use
			short = 0
		}
		rows = append(rows, row{name: "hostile: " + a.name, how: a.how, short: short, long: 1, run: hostile(a)})
	}
}
