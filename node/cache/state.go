package cache

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/recto-edge/recto/embedded/durable"
)

// Beside the file stands how it was left, because bbolt itself cannot tell: it
// runs in circles, or out of memory, on a page that was damaged. Closed in order,
// the checksum of the whole file stands there. Else it says in which run of the
// operating system the file was open: as long as that runs on, what a killed
// process wrote is there; after it, writes that were never synced may be missing
// in any combination, and the file is not to be trusted.
const (
	stateClosed  = "closed"  // checksum and size
	stateOpen    = "open"    // boot id, and how many opens in a row did not end with a close
	stateDamaged = "damaged" // found while open
)

// maxUnclean is how many processes in a row may die with the file open before it
// is taken for the cause.
const maxUnclean = 8

type state struct{ path string } // of the cache file

func (s state) write(format string, args ...any) error {
	return durable.WriteFile(s.path+".state", strings.NewReader(fmt.Sprintf(format, args...)))
}

func (s state) damaged() error { return s.write("%s\n", stateDamaged) }

// opened marks the file as open for the n-th time in a row.
func (s state) opened(n int) error { return s.write("%s %s %d\n", stateOpen, bootID(), n) }

// closed marks the file, which has been synced, as closed in order.
func (s state) closed() error {
	sum, size, err := checksum(s.path)
	if err != nil {
		return err
	}
	return s.write("%s %08x %d\n", stateClosed, sum, size)
}

// trust says whether the file may be opened, and how often it was opened since
// it was last closed. fs.ErrNotExist means that there is none.
func (s state) trust() (unclean int, err error) {
	if _, err := os.Stat(s.path); err != nil {
		return 0, err
	}
	b, err := os.ReadFile(s.path + ".state")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w: nothing says how it was left", ErrDamaged)
	}
	if err != nil {
		return 0, err
	}
	var boot string
	var want uint32
	var wantSize int64
	if n, _ := fmt.Sscanf(string(b), stateClosed+" %x %d\n", &want, &wantSize); n == 2 {
		sum, size, err := checksum(s.path)
		if err == nil && (sum != want || size != wantSize) {
			err = fmt.Errorf("%w: it changed since it was closed", ErrDamaged)
		}
		return 0, err
	}
	if n, _ := fmt.Sscanf(string(b), stateOpen+" %s %d\n", &boot, &unclean); n != 2 || boot != bootID() {
		return 0, fmt.Errorf("%w: it was not closed before the system went down", ErrDamaged)
	}
	if unclean >= maxUnclean {
		return 0, fmt.Errorf("%w: %d processes in a row died with it open", ErrDamaged, unclean)
	}
	return unclean, nil
}

func checksum(path string) (sum uint32, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	size, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, 1<<20))
	if err != nil {
		return 0, 0, fmt.Errorf("read cache file: %w", err)
	}
	return h.Sum32(), size, nil
}

// bootID names the run of the operating system; a system that has none gives a
// name that is never the same, so that every unclean end counts as a power cut.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if id := strings.TrimSpace(string(b)); err == nil && id != "" {
		return id
	}
	return fmt.Sprintf("process-%d", os.Getpid())
}
