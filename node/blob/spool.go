package blob

import (
	"errors"
	"fmt"
	"os"
)

// spoolFile is bytes on their way to or from a bucket, in a file that has no name
// and so is gone when it is closed or the process ends, however it ends. It is
// never synced, because nobody is answered on its strength.
type spoolFile struct {
	*os.File
	size int64
}

func newSpoolFile(dir string) (*spoolFile, error) {
	f, err := os.CreateTemp(dir, "spool-*")
	if err != nil {
		return nil, fmt.Errorf("make spool file: %w", fileError(err))
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("unlink spool file: %w", err), f.Close())
	}
	return &spoolFile{File: f}, nil
}

// Size implements File.
func (f *spoolFile) Size() int64 { return f.size }
