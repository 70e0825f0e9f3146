package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// filler is the file that fills a disk.
const filler = ".capsize-filler"

// fillBytes is how much is written at once, at most.
const fillBytes = 1 << 20

// fillDisk writes until not one more byte fits. What it wrote before an error is removed.
func fillDisk(ctx context.Context, folder string) error {
	path, err := fillerIn(folder)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if isFull(err) {
		return nil // not even a name fits
	}
	if err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	err = fill(ctx, file)
	if closed := file.Close(); err == nil && !isFull(closed) {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("fill the disk: %w", errors.Join(err, freeDisk(folder)))
	}
	return nil
}

// fill writes ever smaller pieces, so that the last byte is used too.
func fill(ctx context.Context, file *os.File) error {
	zeros := make([]byte, fillBytes)
	for size := fillBytes; size > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := file.Write(zeros[:size])
		if isFull(err) {
			size /= 2
			continue
		}
		if err != nil {
			return err
		}
	}
	if err := file.Sync(); !isFull(err) { // where space is only promised until then
		return err
	}
	return nil
}

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// freeDisk removes what fillDisk wrote, if there is something.
func freeDisk(folder string) error {
	path, err := fillerIn(folder)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("free the disk: %w", err)
	}
	return nil
}

func diskSpace(folder string) (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return 0, fmt.Errorf("ask for the space in %s: %w", folder, err)
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil
}

func fillerIn(folder string) (string, error) {
	if !filepath.IsAbs(folder) {
		return "", fmt.Errorf("the folder %q is not an absolute path", folder)
	}
	return filepath.Join(folder, filler), nil
}
