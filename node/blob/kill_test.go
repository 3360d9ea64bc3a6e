package blob_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/blob/blobtest"
)

const childEnv = "RECTO_BLOB_CHILD"

func TestMain(m *testing.M) {
	if root := os.Getenv(childEnv); root != "" {
		if err := child(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	plain.CloseIdleConnections()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// child is a member in a process of its own, until it is killed.
func child(root string) error {
	files, err := blob.OpenFiles(root)
	if err != nil {
		return err
	}
	c, err := blob.OpenCopies(blob.CopiesConfig{Local: files, Self: "n2", Client: &http.Client{}, ScrubRate: -1})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, c.Handler())
}

// spawn starts a member of its own on root and gives its address.
func spawn(t *testing.T, root string) (*exec.Cmd, string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+root)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}

// A member that is killed while it takes objects in has no torn one under a key,
// and what it had answered for before.
func TestCopiesOfAKilledMemberAreWhole(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, func(c *blob.CopiesConfig) { c.Soon = time.Hour })
	f.ids = append(f.ids, "n2")
	root := t.TempDir()
	for round := range 3 {
		cmd, addr := spawn(t, root)
		var mu sync.Mutex
		var answered []string
		enough := make(chan struct{})
		through := func(req *http.Request, _ passOn) (*http.Response, error) {
			resp, err := passTo(addr, req)
			if err == nil && req.Method == http.MethodPut && resp.StatusCode == http.StatusCreated {
				mu.Lock()
				defer mu.Unlock()
				answered = append(answered, strings.TrimPrefix(req.URL.Path, "/blobs/objects/"))
				if len(answered) == 20 {
					close(enough)
				}
			}
			return resp, err
		}
		for _, id := range []string{"n0", "n1"} {
			f.fault(id, "n2", through)
			f.of(id).SetMembers(f.view())
		}
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for w := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
						body := bytes.NewReader(blobtest.Bytes(uint64(round<<20+w<<16+i), 200_000))
						if _, _, _, err := f.of("n0").Ingest(t.Context(), body, 0); err != nil {
							t.Errorf("Ingest while another member is killed: %v", err)
							return
						}
					}
				}
			})
		}
		<-enough
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed: always an error
		close(stop)
		wg.Wait()
		files, err := blob.OpenFiles(root)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		for _, key := range answered {
			if err := blob.Verify(t.Context(), files, key); err != nil {
				t.Errorf("answered for: %v", err)
			}
		}
		mu.Unlock()
		n := 0
		if err := files.List(t.Context(), "", "", func(i blob.Info) error { n++; return blob.Verify(t.Context(), files, i.Key) }); err != nil || n < 20 {
			t.Errorf("%d objects, %v", n, err)
		}
	}
}

func BenchmarkObjects(b *testing.B) {
	const size = 300_000
	base := blobtest.Bytes(1, size-8)
	files, err := blob.OpenFiles(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	stores := []struct {
		name string
		s    blob.Store
	}{{"files", files}}
	for _, n := range []int{1, 2, 3, 5} {
		stores = append(stores, struct {
			name string
			s    blob.Store
		}{fmt.Sprintf("copies-%d", n), newFleet(b, n, func(c *blob.CopiesConfig) { c.Soon = time.Hour }).of("n0")})
	}
	for _, s := range stores {
		var keys []string
		var mu sync.Mutex
		b.Run("put/"+s.name, func(b *testing.B) {
			b.SetBytes(size)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					mu.Lock()
					seed := uint64(len(keys))
					keys = append(keys, "")
					mu.Unlock()
					body := append(binary.BigEndian.AppendUint64(nil, seed), base...)
					sum, _, _, err := s.s.Ingest(b.Context(), bytes.NewReader(body), 0)
					if err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					keys[seed] = blob.OriginalKey(sum)
					mu.Unlock()
				}
			})
		})
		b.Run("get/"+s.name, func(b *testing.B) {
			b.SetBytes(size)
			for i := range b.N {
				if _, err := blob.ReadAll(b.Context(), s.s, keys[i%len(keys)], 1<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
