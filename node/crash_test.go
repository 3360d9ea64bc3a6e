package node_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recto-edge/recto/node/doc"
)

// TestKilledTwentyTimes_LosesNothing uploads 200 documents with a client that
// repeats what was not acknowledged, while the node is killed with SIGKILL 20
// times. Every acknowledged document is there exactly once, and read.
func TestKilledTwentyTimes_LosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	const uploads, kills = 200, 20
	p := newProcess(t)
	p.start()

	var (
		mu     sync.Mutex
		acked  = map[doc.ID]string{}
		count  atomic.Int64
		wg     sync.WaitGroup
		turns  = make(chan int)
		random = rand.New(rand.NewPCG(1, 2))
	)
	for range 4 {
		wg.Go(func() {
			for i := range turns {
				number := fmt.Sprintf("R-%04d", i)
				body := invoiceXML(number)
				p.until("upload "+number+" is acknowledged", func() bool {
					r, ok := p.upload(number+".xml", body)
					if ok {
						mu.Lock()
						acked[r.ID] = number
						mu.Unlock()
						count.Add(1)
					}
					return ok
				})
			}
		})
	}
	go func() {
		defer close(turns)
		for i := range uploads {
			turns <- i
		}
	}()
	for k := range kills {
		// Killed at a random moment after some more were acknowledged: in the middle
		// of uploads, of reading, of the start itself.
		want := int64(k * uploads / kills)
		p.until("more uploads are acknowledged", func() bool { return count.Load() >= want })
		<-time.After(time.Duration(random.IntN(120)) * time.Millisecond)
		p.kill()
		p.start()
	}
	wg.Wait()
	p.ready()
	if len(acked) != uploads {
		t.Fatalf("%d documents acknowledged, want %d", len(acked), uploads)
	}
	p.settled(uploads)
	p.holds(acked)
}

// holds checks that exactly the documents of want are there, each once, read,
// and with its own number.
func (p *process) holds(want map[doc.ID]string) {
	p.t.Helper()
	seen := map[doc.ID]int{}
	for _, s := range p.all() {
		seen[s.ID]++
	}
	if len(seen) != len(want) {
		p.t.Errorf("%d documents, want %d", len(seen), len(want))
	}
	for id, number := range want {
		if seen[id] != 1 {
			p.t.Errorf("document %s (%s) is there %d times", id, number, seen[id])
			continue
		}
		r := p.record(id)
		if r.Result == nil || r.Result.Field("invoice_number") == nil || r.Result.Field("invoice_number").Value != number {
			p.t.Errorf("document %s: state %s, no invoice number %s in its result", id, r.State, number)
		}
	}
}

func (p *process) fill(n int) map[doc.ID]string {
	p.t.Helper()
	acked := map[doc.ID]string{}
	for i := range n {
		number := fmt.Sprintf("L-%04d", i)
		r, ok := p.upload(number+".xml", invoiceXML(number))
		if !ok {
			p.t.Fatalf("upload %s was not acknowledged", number)
		}
		acked[r.ID] = number
	}
	p.settled(n)
	return acked
}

// TestLogDamaged_ComesBack deletes the whole log, then flips one bit of it. Each
// time the next start repairs the log from the files by itself.
func TestLogDamaged_ComesBack(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	p := newProcess(t)
	p.start()
	p.ready()
	want := p.fill(60)

	p.kill()
	if err := os.RemoveAll(filepath.Join(p.data, "broker")); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.ready()
	p.settled(len(want)) // what was not archived when the log went is read again
	p.holds(want)

	p.kill()
	flipBit(t, filepath.Join(p.data, "broker"))
	p.start()
	p.ready()
	p.settled(len(want)) // what was not archived when the log went is read again
	p.holds(want)

	// And the node still works.
	r, ok := p.upload("after.xml", invoiceXML("AFTER"))
	if !ok {
		t.Fatal("upload after the repair was not acknowledged")
	}
	p.until("the document after the repair is read", func() bool { return p.record(r.ID).State.Settled() })
	if code, body, err := p.call(http.MethodGet, "/api/v1/documents/"+string(r.ID)+"/revisions", nil); err != nil || code != http.StatusOK {
		t.Errorf("revisions: %d %s %v", code, body, err)
	}
}

// flipBit flips one bit in the middle of the documents' largest message block.
func flipBit(t *testing.T, dir string) {
	t.Helper()
	var block string
	var size int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".blk") || !strings.Contains(path, "DOCS") {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			block, size = path, info.Size()
		}
		return err
	})
	if err != nil || block == "" {
		t.Fatalf("no message block below %s: %v", dir, err)
	}
	f, err := os.OpenFile(block, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], size/2); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << 3
	if _, err := f.WriteAt(b[:], size/2); err != nil {
		t.Fatal(err)
	}
}
