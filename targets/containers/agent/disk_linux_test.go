package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFullDisk(t *testing.T) {
	m := world(t, 1)[0]
	folder := t.TempDir()
	// the test's own mount namespace is that of everybody, so the disk is unmounted whatever happens
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=5m"); err != nil {
		t.Skip("a disk of limited size cannot be mounted here:", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
	file := filepath.Join(folder, "data")
	must(t, os.WriteFile(file, make([]byte, 1000), 0o600))
	before, err := m.DiskSpace(limited(t), folder)
	must(t, err)
	if before < 4<<20 {
		t.Fatalf("%d bytes are free on an empty disk of 5 MB", before)
	}
	for range 2 { // a full disk may be filled again
		must(t, m.FillDisk(limited(t), folder))
		if free, err := m.DiskSpace(limited(t), folder); free != 0 || err != nil {
			t.Errorf("%d bytes are free on a full disk, %v", free, err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "more"), []byte("x"), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("a byte on a full disk: %v", err)
	}
	must(t, os.Remove(filepath.Join(folder, "more")))
	for range 2 { // and a free one freed
		must(t, m.FreeDisk(limited(t), folder))
		if free, err := m.DiskSpace(limited(t), folder); free != before || err != nil {
			t.Errorf("%d bytes are free again, want %d, %v", free, before, err)
		}
	}
	if kept, err := os.ReadFile(file); len(kept) != 1000 || err != nil {
		t.Errorf("what was there: %d bytes, %v", len(kept), err)
	}
	if err := m.FillDisk(limited(t), "relative"); err == nil {
		t.Error("a relative folder was accepted")
	}
	if err := m.FillDisk(limited(t), filepath.Join(folder, "none")); err == nil {
		t.Error("a folder that is not there was accepted")
	}
}
