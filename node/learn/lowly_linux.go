package learn

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// lowly runs fn on a thread that the system lets run when others leave time, and
// waits for it. The thread ends with it: its rank cannot be raised again.
func lowly(fn func()) {
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread()                                     // and never unlocked
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 15) // refused: it runs like others
		fn()
	})
	wg.Wait()
}
