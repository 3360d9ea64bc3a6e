package intake

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// isWritten says whether a process of this machine has the file open for writing.
// The kernel gives a read lease only on files that nobody has; it is given back
// at once. Where leases do not work (network file systems, files of others) the
// answer is no, and the other signs decide.
func isWritten(f *os.File) bool {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK) // ends with f anyway
	}
	return errors.Is(err, unix.EAGAIN)
}
